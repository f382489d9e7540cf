/* The documents of an index that score best, from the mapped arrays of its blocks. See kernel.py for the contract,
 * block.py for the arrays and ranking.py for the formulae; numpy_kernel.py gives the same answer without a compiler.
 *
 * Documents are taken a window at a time, so that the sums stay in the second-level cache. A concept is looked up only for
 * the documents that could still reach the page (MaxScore: Turtle and Flood 1995), and so are the pairs of characters,
 * the rarest first: what is left out cannot change a hit or its score.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FACES 5
#define BLOCK 65536
#define WORDS64 (BLOCK / 64)
#define WINDOW 8192
#define WINDOW64 (WINDOW / 64)
#define CODES 256
#define RARE 255          /* a code that names no pattern: see `rare` */
#define SLACK 1e-6        /* scores are compared by six decimals */
#define KEYS 3            /* the space of what names a document */
#define NOTHING -2        /* of a pattern: no face that takes part */
#define SEVERAL -1        /* faces that take part, or a pattern beyond the codes */

typedef struct {
    uint32_t terms;
    const uint8_t *text;     /* UTF-8 of all terms, in byte order */
    const uint32_t *ends;    /* terms + 1 */
    const uint32_t *starts;  /* terms + 1: first posting */
    const uint16_t *docs;
    const uint8_t *codes;    /* per posting: which pattern */
    const uint32_t *rare_at; /* postings with the code RARE, ascending */
    const uint32_t *rare;    /* and their patterns */
    uint32_t rares;
    uint32_t rows;
    const uint16_t *patterns; /* rows of FACES counts */
    const uint32_t *lengths;  /* FACES rows of `count` */
} space_t;

typedef struct {
    uint32_t count;
    const uint64_t *live; /* bits; NULL when nothing was deleted */
    const uint32_t *updated;
    const uint8_t *ids;
    const uint32_t *id_ends;
    space_t spaces[4];
} block_t;

typedef struct {
    const uint8_t *text;
    uint32_t length;
    double weight;
} term_t;

typedef struct {
    uint32_t first, terms; /* of the request's terms */
    double weight;
    double df; /* live documents that have it; below 0: to be counted */
} concept_t;

typedef struct {
    double k1;
    double weights[FACES];
    double base[FACES];  /* 1 - b */
    double slope[FACES]; /* b / average length, 0 where there is none */
} field_t;

typedef struct {
    uint32_t space;
    uint32_t faces;    /* how many take part, from the first */
    uint32_t concepts; /* ranked by; the others only add */
    uint32_t others;
    uint32_t other_space;
    uint32_t need; /* how many concepts a document must have */
    uint32_t all;  /* every allowed document is found, whatever it has */
    uint32_t wanted; /* hits */
    double documents; /* live, in the whole index */
    double coverage, share;
    field_t field, other_field;
} request_t;

typedef struct {
    double score;
    uint32_t block, doc, tier;
} hit_t;

/* What a code means to this question: the face if there is one that counts, and what stands above the fraction line. */
typedef struct {
    double above[CODES];
    int8_t face[CODES];
    int hidden; /* some pattern has no face that takes part */
} meaning_t;

/* What is summed up for a document: side by side, for they are written together. */
typedef struct {
    double words, matched;
} sum_t;

typedef struct {
    sum_t sums[WINDOW]; /* these by document in the window */
    double others[WINDOW], pooled[WINDOW];
    uint16_t number[WINDOW], asked[WINDOW];
    uint64_t touched[WINDOW64], found[WINDOW64], reachable[WINDOW64];
    uint64_t counted[WORDS64];
    meaning_t meaning, other_meaning;
} scratch_t;

static __thread scratch_t *scratch;

static int64_t find(const space_t *space, const uint8_t *text, uint32_t length) {
    uint32_t low = 0, high = space->terms;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, start = space->ends[middle];
        uint32_t size = space->ends[middle + 1] - start;
        int order = memcmp(space->text + start, text, size < length ? size : length);
        if (!order) order = size < length ? -1 : size > length;
        if (!order) return middle;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return -1;
}

static void mean(meaning_t *meaning, const space_t *space, const field_t *field, uint32_t faces) {
    meaning->hidden = 0;
    for (uint32_t code = 0; code < CODES; code++) {
        meaning->face[code] = SEVERAL;
        if (code == RARE || code >= space->rows) continue;
        int which = NOTHING;
        for (uint32_t face = 0; face < faces; face++)
            if (space->patterns[code * FACES + face]) which = which == NOTHING ? (int)face : SEVERAL;
        meaning->face[code] = (int8_t)which;
        if (which >= 0) meaning->above[code] = field->weights[which] * space->patterns[code * FACES + which];
        if (which == NOTHING) meaning->hidden = 1;
    }
    if (space->rares && faces < FACES) meaning->hidden = 1;
}

/* A term's postings in one block. */
typedef struct {
    const space_t *space;
    const field_t *field;
    const meaning_t *meaning;
    const uint16_t *docs;
    const uint8_t *codes;
    uint32_t first, size, faces, count;
    uint32_t place; /* of the first posting not yet taken */
    double weight;
} list_t;

static int open_list(list_t *list, const block_t *block, const space_t *space, const field_t *field,
                     const meaning_t *meaning, uint32_t faces, const term_t *term) {
    int64_t number = find(space, term->text, term->length);
    list->size = list->place = 0;
    if (number < 0) return 0;
    list->space = space;
    list->field = field;
    list->meaning = meaning;
    list->first = space->starts[number];
    list->size = space->starts[number + 1] - list->first;
    list->docs = space->docs + list->first;
    list->codes = space->codes + list->first;
    list->faces = faces;
    list->count = block->count;
    list->weight = term->weight;
    list->place = 0;
    return 1;
}

static const uint16_t *pattern_at(const list_t *list, uint32_t place) {
    uint32_t code = list->codes[place];
    if (code == RARE) {
        uint32_t low = 0, high = list->space->rares;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (list->space->rare_at[middle] < list->first + place) low = middle + 1;
            else high = middle;
        }
        code = list->space->rare[low];
    }
    return list->space->patterns + (uint64_t)code * FACES;
}

static double pooled_over_several(const list_t *list, uint32_t place) {
    const uint16_t *counts = pattern_at(list, place);
    const uint32_t *lengths = list->space->lengths + list->docs[place];
    double pooled = 0.0;
    for (uint32_t face = 0; face < list->faces; face++)
        if (counts[face])
            pooled += list->field->weights[face] * counts[face] /
                      (list->field->base[face] + list->field->slope[face] * lengths[(uint64_t)face * list->count]);
    return pooled;
}

/* The count of a term in a document, weighted, each face by its length. 0 if no face takes part. */
static inline double pooled_at(const list_t *list, uint32_t place) {
    uint32_t code = list->codes[place];
    int face = list->meaning->face[code];
    if (face >= 0)
        return list->weight * (list->meaning->above[code] /
                               (list->field->base[face] +
                                list->field->slope[face] *
                                    list->space->lengths[(uint64_t)face * list->count + list->docs[place]]));
    return face == NOTHING ? 0.0 : list->weight * pooled_over_several(list, place);
}

/* What the only term of a concept adds: (k1 + 1) p / (k1 + p) with p = above / below, in one division. */
static inline double added_at(const list_t *list, uint32_t place, double weight, double k1) {
    uint32_t code = list->codes[place];
    int face = list->meaning->face[code];
    if (face >= 0) {
        double above = list->weight * list->meaning->above[code];
        double below = list->field->base[face] +
                       list->field->slope[face] *
                           list->space->lengths[(uint64_t)face * list->count + list->docs[place]];
        return weight * (k1 + 1.0) * above / (k1 * below + above);
    }
    if (face == NOTHING) return 0.0;
    double pooled = list->weight * pooled_over_several(list, place);
    return weight * (k1 + 1.0) * pooled / (k1 + pooled);
}

static inline int visible_at(const list_t *list, uint32_t place) {
    int face = list->meaning->face[list->codes[place]];
    if (face != SEVERAL) return face >= 0;
    const uint16_t *counts = pattern_at(list, place);
    for (uint32_t index = 0; index < list->faces; index++)
        if (counts[index]) return 1;
    return 0;
}

/* In how many live documents does a concept occur, in a face that takes part? */
static double occurrences(const block_t *blocks, uint32_t number, const request_t *request, uint32_t space,
                          const field_t *field, const concept_t *concept, const term_t *terms) {
    uint64_t total = 0;
    list_t list;
    for (uint32_t index = 0; index < number; index++) {
        const block_t *block = blocks + index;
        uint32_t words = (block->count + 63) / 64;
        int any = 0, meant = 0;
        for (uint32_t which = 0; which < concept->terms; which++) {
            const space_t *arrays = block->spaces + space;
            if (!open_list(&list, block, arrays, field, &scratch->meaning, request->faces, terms + concept->first + which))
                continue;
            if (!meant++) mean(&scratch->meaning, arrays, field, request->faces);
            int everywhere = !scratch->meaning.hidden;
            if (concept->terms == 1 && everywhere && !block->live) {
                total += list.size;
                continue;
            }
            if (!any++) memset(scratch->counted, 0, words * sizeof *scratch->counted);
            for (uint32_t place = 0; place < list.size; place++)
                if (everywhere || visible_at(&list, place))
                    scratch->counted[list.docs[place] >> 6] |= 1ull << (list.docs[place] & 63);
        }
        for (uint32_t word = 0; any && word < words; word++)
            total += (uint64_t)__builtin_popcountll(block->live ? scratch->counted[word] & block->live[word]
                                                                : scratch->counted[word]);
    }
    return (double)total;
}

static int id_before(const block_t *blocks, const hit_t *one, const hit_t *other) {
    const block_t *a = blocks + one->block, *b = blocks + other->block;
    uint32_t from_a = a->id_ends[one->doc], from_b = b->id_ends[other->doc];
    uint32_t size_a = a->id_ends[one->doc + 1] - from_a, size_b = b->id_ends[other->doc + 1] - from_b;
    int order = memcmp(a->ids + from_a, b->ids + from_b, size_a < size_b ? size_a : size_b);
    return order ? order < 0 : size_a < size_b;
}

/* Does one hit stand before another? The order of ranking.order_key. */
static int before(const block_t *blocks, const hit_t *one, const hit_t *other) {
    if (one->tier != other->tier) return one->tier < other->tier;
    if (one->score != other->score) return one->score > other->score;
    uint32_t first = blocks[one->block].updated[one->doc], second = blocks[other->block].updated[other->doc];
    if (first != second) return first > second;
    return id_before(blocks, one, other);
}

/* A heap with the worst hit on top. */
static void sink(const block_t *blocks, hit_t *heap, uint32_t size, uint32_t place) {
    for (;;) {
        uint32_t worst = place, left = 2 * place + 1, right = left + 1;
        if (left < size && before(blocks, heap + worst, heap + left)) worst = left;
        if (right < size && before(blocks, heap + worst, heap + right)) worst = right;
        if (worst == place) return;
        hit_t kept = heap[place];
        heap[place] = heap[worst];
        heap[worst] = kept;
        place = worst;
    }
}

static void rise(const block_t *blocks, hit_t *heap, uint32_t place) {
    while (place) {
        uint32_t parent = (place - 1) / 2;
        if (!before(blocks, heap + parent, heap + place)) return;
        hit_t kept = heap[place];
        heap[place] = heap[parent];
        heap[parent] = kept;
        place = parent;
    }
}

/* A concept of a block, ready to be added. */
typedef struct {
    uint32_t which; /* of the request's concepts */
    double weight;  /* with its idf */
    double most;    /* that it can add to a score */
} turn_t;

static int by_most(const void *one, const void *other) {
    double a = ((const turn_t *)one)->most, b = ((const turn_t *)other)->most;
    if (a != b) return a < b ? 1 : -1;
    return ((const turn_t *)one)->which < ((const turn_t *)other)->which ? -1 : 1;
}

static inline void take(scratch_t *at, uint32_t doc, double added, double weight, int counting) {
    sum_t *sum = at->sums + doc;
    sum->words += added;
    sum->matched += weight;
    if (counting) at->number[doc]++;
}

/* Move a list to the first document that is not before this one. */
static void seek(list_t *list, uint32_t doc) {
    uint32_t low = list->place, step = 1, high;
    if (low >= list->size || list->docs[low] >= doc) return;
    while (low + step < list->size && list->docs[low + step] < doc) low += step, step *= 2;
    high = low + step < list->size ? low + step : list->size;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->docs[middle] < doc) low = middle + 1;
        else high = middle;
    }
    list->place = low;
}

/* Add a concept to the sums of a window's documents. Documents that have none of the concepts before it could not reach
 * the page any more if `late` is set: they are found, and not scored. */
static void add(list_t *lists, uint32_t terms, uint32_t start, double weight, double k1, int counting, int late) {
    scratch_t *at = scratch; /* thread-local: read once */
    int any = 0;
    for (uint32_t term = 0; term < terms; term++) {
        list_t *list = lists + term;
        uint32_t place = list->place;
        if (place >= list->size || list->docs[place] - start >= WINDOW) continue;
        if (terms > 1 && !any++) memset(at->touched, 0, sizeof at->touched);
        for (; place < list->size; place++) {
            uint32_t doc = list->docs[place] - start;
            if (doc >= WINDOW) break;
            uint64_t bit = 1ull << (doc & 63);
            if (late && !(at->reachable[doc >> 6] & bit)) {
                if (visible_at(list, place)) at->found[doc >> 6] |= bit;
                continue;
            }
            if (terms == 1) {
                double added = added_at(list, place, weight, k1);
                if (added == 0.0) continue;
                at->found[doc >> 6] |= bit;
                take(at, doc, added, weight, counting);
                continue;
            }
            double pooled = pooled_at(list, place);
            if (pooled == 0.0) continue;
            at->found[doc >> 6] |= bit;
            at->pooled[doc] = at->touched[doc >> 6] & bit ? at->pooled[doc] + pooled : pooled;
            at->touched[doc >> 6] |= bit;
        }
        list->place = place;
    }
    for (uint32_t word = 0; any && word < WINDOW64; word++)
        for (uint64_t bits = at->touched[word]; bits; bits &= bits - 1) {
            uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(bits);
            take(at, doc, weight * (k1 + 1.0) * at->pooled[doc] / (k1 + at->pooled[doc]), weight, counting);
        }
}

/* Of the documents asked about, keep those that can still reach the threshold; returns how many. */
static uint32_t keep(uint32_t asked, double threshold, double share, double left, const uint64_t *named) {
    scratch_t *at = scratch;
    uint32_t kept = 0;
    for (uint32_t index = 0; index < asked; index++) {
        uint16_t doc = at->asked[index];
        int is_named = named && named[doc >> 6] >> (doc & 63) & 1;
        if (is_named || at->sums[doc].words + share * (at->others[doc] + left) + SLACK >= threshold)
            at->asked[kept++] = doc;
        else at->reachable[doc >> 6] &= ~(1ull << (doc & 63));
    }
    return kept;
}

/* Add one of the others to the documents asked about: by walking its postings, or by looking each document up. */
static void add_other(list_t *list, uint32_t start, uint32_t asked, double weight, double k1) {
    scratch_t *at = scratch;
    seek(list, start);
    if (list->size - list->place <= 16 * asked) {
        uint32_t place = list->place;
        for (; place < list->size; place++) {
            uint32_t doc = list->docs[place] - start;
            if (doc >= WINDOW) break;
            if (!(at->reachable[doc >> 6] >> (doc & 63) & 1)) continue;
            at->others[doc] += added_at(list, place, weight, k1);
        }
        list->place = place;
        return;
    }
    for (uint32_t index = 0; index < asked; index++) {
        uint32_t doc = at->asked[index];
        seek(list, start + doc);
        if (list->place >= list->size) return;
        if (list->docs[list->place] != start + doc) continue;
        at->others[doc] += added_at(list, list->place, weight, k1);
    }
}

static double part_of(uint32_t doc, double wanted) {
    if (wanted <= 0.0) return 1.0;
    double part = scratch->sums[doc].matched / wanted;
    return part > 1.0 ? 1.0 : part;
}

/* A score that at least `wanted` documents reach: the heap's worst, or better the sums of this block so far. */
static double threshold_of(uint32_t asked, uint32_t wanted, double reached, double total, double coverage, double *floor) {
    uint32_t size = 0;
    if (asked <= wanted || coverage > 1.0) return reached;
    for (uint32_t index = 0; index < asked; index++) {
        uint16_t doc = scratch->asked[index];
        double least = scratch->sums[doc].words;
        if (least <= reached || (size == wanted && least <= floor[0])) continue;
        least *= part_of(doc, total); /* no greater than with an exponent below one */
        if (least <= reached) continue;
        if (size < wanted) {
            uint32_t place = size++;
            while (place && floor[(place - 1) / 2] > least) floor[place] = floor[(place - 1) / 2], place = (place - 1) / 2;
            floor[place] = least;
        } else if (least > floor[0]) {
            uint32_t place = 0, next;
            while ((next = 2 * place + 1) < size) {
                if (next + 1 < size && floor[next + 1] < floor[next]) next++;
                if (floor[next] >= least) break;
                floor[place] = floor[next];
                place = next;
            }
            floor[place] = least;
        }
    }
    return size == wanted ? floor[0] : reached;
}

/* Returns the number of hits, best first, and the number of documents found; -1 without memory. `allowed`, `exact` and
 * `found_bits` have 1,024 words a block; `exact` may be NULL. Document frequencies that had to be counted are left in
 * the concepts. */
int64_t kb_search(const block_t *blocks, uint32_t number, const request_t *request, concept_t *concepts,
                  const term_t *terms, const uint64_t *allowed, const uint64_t *exact, uint64_t *found_bits, hit_t *hits,
                  uint64_t *total) {
    if (!scratch && !(scratch = calloc(1, sizeof *scratch))) return -1;
    uint32_t every = request->concepts + request->others;
    turn_t *turns = malloc((every + 1) * sizeof *turns);
    double *floor = malloc((request->wanted + 1) * sizeof *floor);
    if (!turns || !floor) {
        free(turns);
        free(floor);
        return -1;
    }
    double wanted = 0.0, most = 0.0;
    for (uint32_t index = 0; index < every; index++) {
        int other = index >= request->concepts;
        const field_t *field = other ? &request->other_field : &request->field;
        concept_t *concept = concepts + index;
        if (concept->df < 0)
            concept->df = occurrences(blocks, number, request, other ? request->other_space : request->space, field,
                                      concept, terms);
        double weight = concept->weight * log1p((request->documents - concept->df + 0.5) / (concept->df + 0.5));
        turns[index] = (turn_t){index, weight, weight * (field->k1 + 1.0)};
        if (other) most += turns[index].most;
        else wanted += weight;
    }
    qsort(turns, request->concepts, sizeof *turns, by_most);
    qsort(turns + request->concepts, request->others, sizeof *turns, by_most);
    uint32_t size = 0, opened = 0;
    *total = 0;
    for (uint32_t index = 0; index < every; index++) opened += concepts[index].terms;
    list_t *lists = malloc((opened + 1) * sizeof *lists);
    if (!lists) {
        free(turns);
        free(floor);
        return -1;
    }
    scratch_t *at = scratch;
    for (uint32_t index = 0; index < number; index++) {
        const block_t *block = blocks + index;
        const space_t *space = block->spaces + request->space, *other_space = block->spaces + request->other_space;
        mean(&at->meaning, space, &request->field, request->faces);
        if (request->others) mean(&at->other_meaning, other_space, &request->other_field, request->faces);
        for (uint32_t which = 0; which < every; which++)
            for (uint32_t term = concepts[which].first; term < concepts[which].first + concepts[which].terms; term++) {
                int other = which >= request->concepts;
                open_list(lists + term, block, other ? other_space : space, other ? &request->other_field : &request->field,
                          other ? &at->other_meaning : &at->meaning, request->faces, terms + term);
            }
        for (uint32_t start = 0; start < block->count; start += WINDOW) {
            uint32_t documents = block->count - start < WINDOW ? block->count - start : WINDOW;
            uint32_t words = (documents + 63) / 64;
            uint64_t offset = (uint64_t)index * WORDS64 + start / 64;
            const uint64_t *may = allowed + offset, *named = exact ? exact + offset : NULL;
            memset(at->found, 0, words * sizeof *at->found);
            /* -1 as long as any score reaches the page */
            double threshold = size == request->wanted && size && hits[0].tier ? hits[0].score : -1.0;
            double left = 0.0;
            for (uint32_t turn = 0; turn < request->concepts; turn++) left += turns[turn].most;
            int late = 0;
            for (uint32_t turn = 0; turn < request->concepts; turn++) {
                const concept_t *concept = concepts + turns[turn].which;
                if (!late && request->need < 2 && left + request->share * most + SLACK < threshold) {
                    late = 1;
                    for (uint32_t word = 0; word < words; word++)
                        at->reachable[word] = at->found[word] | (named ? named[word] : 0);
                }
                left -= turns[turn].most;
                add(lists + concept->first, concept->terms, start, turns[turn].weight, request->field.k1,
                    request->need > 1, late);
            }
            uint32_t asked = 0;
            for (uint32_t word = 0; word < words; word++) {
                uint64_t who = request->all ? may[word] : at->found[word] & may[word];
                if (request->need > 1)
                    for (uint64_t rest = who; rest; rest &= rest - 1) {
                        uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(rest);
                        if (at->number[doc] < request->need) who &= ~(1ull << (doc & 63));
                    }
                if (named) who |= named[word] & may[word];
                found_bits[offset + word] = who;
                *total += (uint64_t)__builtin_popcountll(who);
                uint64_t ask = request->wanted ? (late ? who & at->reachable[word] : who) : 0;
                for (uint64_t rest = ask; rest; rest &= rest - 1) {
                    uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(rest);
                    if (threshold > 0.0 && !(named && named[word] >> (doc & 63) & 1) &&
                        at->sums[doc].words + request->share * most + SLACK < threshold) {
                        ask &= ~(1ull << (doc & 63));
                        continue;
                    }
                    at->asked[asked++] = (uint16_t)doc;
                    at->others[doc] = 0.0;
                }
                at->reachable[word] = ask;
            }
            if (asked && !exact)
                threshold = threshold_of(asked, request->wanted, threshold, wanted, request->coverage, floor);
            double rest = most;
            for (uint32_t turn = request->concepts; turn < every && asked; turn++) {
                list_t *list = lists + concepts[turns[turn].which].first;
                /* Sorting out pays before a list that is longer than the documents are many, and at first. */
                if (threshold > 0.0 && (turn == request->concepts || list->size / 8 > asked))
                    asked = keep(asked, threshold, request->share, rest, named);
                rest -= turns[turn].most;
                if (list->size) add_other(list, start, asked, turns[turn].weight, request->other_field.k1);
            }
            for (uint32_t place = 0; place < asked; place++) {
                uint32_t doc = at->asked[place];
                double sum = at->sums[doc].words, other = request->share * at->others[doc];
                hit_t hit = {0.0, index, start + doc, !(named && named[doc >> 6] >> (doc & 63) & 1)};
                if (size == request->wanted && hits[0].tier && hit.tier && sum + other + SLACK < hits[0].score) continue;
                hit.score = rint((sum * pow(part_of(doc, wanted), request->coverage) + other) * 1e6) / 1e6;
                if (size < request->wanted) {
                    hits[size] = hit;
                    rise(blocks, hits, size++);
                } else if (before(blocks, &hit, hits)) {
                    hits[0] = hit;
                    sink(blocks, hits, size, 0);
                }
            }
            for (uint32_t word = 0; word < words; word++) /* leave the sums as they were found: nothing */
                for (uint64_t bits = at->found[word]; bits; bits &= bits - 1) {
                    uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(bits);
                    at->sums[doc] = (sum_t){0.0, 0.0};
                    at->number[doc] = 0;
                }
        }
    }
    free(lists);
    for (uint32_t left = size; left > 1;) { /* the worst to the end, again and again */
        hit_t worst = hits[0];
        hits[0] = hits[--left];
        hits[left] = worst;
        sink(blocks, hits, left, 0);
    }
    free(turns);
    free(floor);
    return size;
}

/* Set the bits of the documents that one of the keys names; returns how many keys named somebody. */
uint32_t kb_named(const block_t *blocks, uint32_t number, const term_t *keys, uint32_t terms, uint64_t *bits) {
    uint32_t known = 0;
    for (uint32_t index = 0; index < number; index++) {
        const space_t *space = blocks[index].spaces + KEYS;
        for (uint32_t term = 0; term < terms; term++) {
            int64_t key = find(space, keys[term].text, keys[term].length);
            if (key < 0) continue;
            known++;
            for (uint32_t place = space->starts[key]; place < space->starts[key + 1]; place++)
                bits[(uint64_t)index * WORDS64 + (space->docs[place] >> 6)] |= 1ull << (space->docs[place] & 63);
        }
    }
    return known;
}

/* How many of the documents with a bit have each code? Pairs of (document, code). */
void kb_count(const uint64_t *bits, const uint16_t *docs, const uint32_t *codes, uint32_t pairs, uint64_t *counts) {
    for (uint32_t pair = 0; pair < pairs; pair++)
        counts[codes[pair]] += bits[docs[pair] >> 6] >> (docs[pair] & 63) & 1;
}

/* In which of these documents does a piece of text occur? Clears the bits of those in which it does not. `unit` is the
 * size of a character's code in bytes: 1 or 2. */
void kb_containing(const uint8_t *text, const uint32_t *ends, uint32_t documents, const uint8_t *piece, uint32_t length,
                   uint32_t unit, uint64_t *bits) {
    size_t size = (size_t)length * unit;
    for (uint32_t word = 0; word < (documents + 63) / 64; word++)
        for (uint64_t rest = bits[word]; rest; rest &= rest - 1) {
            uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(rest);
            const uint8_t *at = text + (size_t)ends[doc] * unit, *last = text + (size_t)ends[doc + 1] * unit;
            int found = 0;
            for (; at + size <= last && !found; at += unit) found = *at == *piece && !memcmp(at, piece, size);
            if (!found) bits[word] &= ~(1ull << (doc & 63));
        }
}
