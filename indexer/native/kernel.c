/* The documents of an index that score best, from the mapped arrays of its blocks. See kernel.py for the contract,
 * block.py for the arrays and ranking.py for the formulae; numpy_kernel.py gives the same answer without a compiler.
 *
 * Documents are taken a window at a time. First every posting adds the most that it can be worth, a byte written with the
 * block and looked up, to a 16-bit sum of its document; these sums stay in the first-level cache and cost a nanosecond a
 * posting. They are never too low, so only the few documents whose sum, by the greatest prior of the block and then by their
 * own, reaches the page so far are scored exactly, the most promising first. What is left out cannot change a hit or its score.
 */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "block.h"

#define WINDOW 8192
#define WINDOW64 (WINDOW / 64)
#define BOUNDS 256
#define MOST 65535        /* of a sum of bounds */
#define BUCKETS 256
#define SLACK 1e-6        /* scores are compared by six decimals */
#define KEYS 3            /* the space of what names a document */
#define SEEKING 16        /* postings that are read in the time in which one is looked for */
#define NOTHING -2        /* of a pattern: no face that takes part */
#define SEVERAL -1        /* faces that take part, or a pattern beyond the codes */

/* Some UTF-8 strings, end to end. */
typedef struct {
    uint32_t number;
    const uint8_t *text;
    const uint32_t *ends; /* number + 1 */
} strings_t;

typedef struct {
    double k1;
    double weights[FACES];
    double base[FACES];  /* 1 - b */
    double slope[FACES]; /* b / average length, 0 where there is none */
    const double *ceilings; /* BOUNDS a block: the most of (k1 + 1) that a posting with this bound adds, 0 to 1 */
} field_t;

typedef struct {
    uint32_t space, other_space;
    uint32_t faces;    /* how many take part, from the first */
    uint32_t concepts; /* ranked by; the others only add */
    uint32_t others;
    uint32_t need; /* how many concepts a document must have */
    uint32_t all;  /* every allowed document is found, whatever it has */
    uint32_t wanted; /* hits */
    double documents; /* live, in the whole index */
    double coverage, share;
    const field_t *field, *other_field;
    strings_t terms;            /* of all concepts, one after the other */
    const double *term_weights;
    const uint32_t *last;       /* per concept, then one more: the end of its terms; a 0 first */
    const double *weights;      /* per concept */
    double *frequencies;        /* live documents that have it; below 0: to be counted */
} request_t;

typedef struct {
    double score;
    uint32_t block, doc, named, version;
} hit_t;

/* What a code means to this question: the face if there is one that counts (it takes part and has a weight), and what
 * stands above the fraction line. */
typedef struct {
    double above[CODES];
    int8_t face[CODES];
    int hidden; /* some pattern has no face that takes part */
} meaning_t;

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
            if (space->patterns[code * FACES + face] && field->weights[face] > 0.0)
                which = which == NOTHING ? (int)face : SEVERAL;
        meaning->face[code] = (int8_t)which;
        if (which >= 0) meaning->above[code] = field->weights[which] * space->patterns[code * FACES + which];
        if (which == NOTHING) meaning->hidden = 1;
    }
    for (uint32_t face = 0; space->rares && face < FACES; face++)
        if (face >= faces || field->weights[face] <= 0.0) meaning->hidden = 1;
}

/* A term's postings in one block. */
typedef struct {
    const space_t *space;
    const field_t *field;
    const meaning_t *meaning;
    const uint16_t *docs;
    const uint8_t *codes, *bounds;
    uint32_t first, size, faces, count;
    uint32_t place; /* of the first posting not yet taken */
    double weight;
} list_t;

static int open_list(list_t *list, const block_t *block, const space_t *space, const field_t *field,
                     const meaning_t *meaning, const request_t *request, uint32_t term) {
    uint32_t start = request->terms.ends[term];
    list->size = list->place = 0;
    if (request->term_weights[term] <= 0.0) return 0;
    int64_t number = find(space, request->terms.text + start, request->terms.ends[term + 1] - start);
    if (number < 0) return 0;
    list->space = space;
    list->field = field;
    list->meaning = meaning;
    list->first = space->starts[number];
    list->size = space->starts[number + 1] - list->first;
    list->docs = space->docs + list->first;
    list->codes = space->codes + list->first;
    list->bounds = space->bounds + list->first;
    list->faces = request->faces;
    list->count = block->count;
    list->weight = request->term_weights[term];
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

static inline int visible_at(const list_t *list, uint32_t place) {
    int face = list->meaning->face[list->codes[place]];
    if (face != SEVERAL) return face >= 0;
    const uint16_t *counts = pattern_at(list, place);
    for (uint32_t index = 0; index < list->faces; index++)
        if (counts[index] && list->field->weights[index] > 0.0) return 1;
    return 0;
}

/* In how many live documents does a concept occur, in a face that takes part? */
static double occurrences(const block_t *blocks, uint32_t number, const request_t *request, uint32_t space,
                          const field_t *field, uint32_t concept) {
    uint64_t total = 0, counted[WORDS64];
    uint32_t first = request->last[concept], end = request->last[concept + 1];
    meaning_t meaning;
    list_t list;
    for (uint32_t index = 0; index < number; index++) {
        const block_t *block = blocks + index;
        const space_t *arrays = block->spaces + space;
        uint32_t words = (block->count + 63) / 64;
        int any = 0, meant = 0;
        for (uint32_t term = first; term < end; term++) {
            if (!open_list(&list, block, arrays, field, &meaning, request, term)) continue;
            if (!meant++) mean(&meaning, arrays, field, request->faces);
            if (end - first == 1 && !meaning.hidden && !block->live) {
                total += list.size;
                continue;
            }
            if (!any++) memset(counted, 0, words * sizeof *counted);
            for (uint32_t place = 0; place < list.size; place++)
                if (!meaning.hidden || visible_at(&list, place))
                    counted[list.docs[place] >> 6] |= 1ull << (list.docs[place] & 63);
        }
        for (uint32_t word = 0; any && word < words; word++)
            total += (uint64_t)__builtin_popcountll(block->live ? counted[word] & block->live[word] : counted[word]);
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
    if (one->named != other->named) return one->named > other->named;
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

/* A term of the question in one block. */
typedef struct {
    list_t list;
    uint32_t begin, end;   /* its postings in the window */
    uint16_t most[BOUNDS]; /* what a posting can add to the sum of its document, by its bound */
} asked_t;

static void set_most(asked_t *asked, const double *ceilings, double scale) {
    double weight = asked->list.weight;
    for (uint32_t bound = 0; bound < BOUNDS; bound++) {
        double most = ceilings[bound]; /* p / (k1 + p); of a term that counts w times, w p / (k1 + w p) */
        if (weight != 1.0) most = weight * most / (1.0 - most + weight * most);
        asked->most[bound] = (uint16_t)(most * scale) + 1;
    }
}

/* Add to the sums of a window what each posting can be worth. */
static void add_bounds(asked_t *asked, uint32_t start, uint16_t *sums) {
    list_t *list = &asked->list;
    uint32_t place = asked->begin, size = list->size;
    const uint16_t *docs = list->docs;
    const uint8_t *bounds = list->bounds;
    if (size && !list->meaning->hidden)
        for (; place < size && (uint32_t)(docs[place] - start) < WINDOW; place++)
            sums[docs[place] - start] += asked->most[bounds[place]];
    else
        for (; place < size && (uint32_t)(docs[place] - start) < WINDOW; place++)
            if (visible_at(list, place)) sums[docs[place] - start] += asked->most[bounds[place]];
    asked->end = place;
}

/* Count a concept for the documents of a window that have it. */
static void add_number(const asked_t *asked, uint32_t terms, uint32_t start, uint16_t *numbers) {
    uint64_t had[WINDOW64] = {0};
    for (uint32_t term = 0; term < terms; term++, asked++) {
        const list_t *list = &asked->list;
        for (uint32_t place = asked->begin; place < asked->end; place++) {
            uint32_t doc = list->docs[place] - start;
            uint64_t bit = 1ull << (doc & 63);
            if (had[doc >> 6] & bit || !visible_at(list, place)) continue;
            had[doc >> 6] |= bit;
            numbers[doc]++;
        }
    }
}

/* A bit for each document whose sum is at least so high. */
static void reaching(const uint16_t *sums, uint32_t words, uint32_t level, uint64_t *bits) {
    if (level > MOST) {
        memset(bits, 0, words * sizeof *bits);
        return;
    }
    for (uint32_t word = 0; word < words; word++, sums += 64) {
        uint64_t row = 0;
#ifdef __SSE2__
        __m128i least = _mm_set1_epi16((short)level), none = _mm_setzero_si128();
        for (uint32_t part = 0; part < 4; part++) {
            __m128i one = _mm_loadu_si128((const __m128i *)(sums + 16 * part));
            __m128i two = _mm_loadu_si128((const __m128i *)(sums + 16 * part + 8));
            one = _mm_cmpeq_epi16(_mm_subs_epu16(least, one), none);
            two = _mm_cmpeq_epi16(_mm_subs_epu16(least, two), none);
            row |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(one, two)) << (16 * part);
        }
#else
        for (uint32_t doc = 0; doc < 64; doc++) row |= (uint64_t)(sums[doc] >= level) << doc;
#endif
        bits[word] = row;
    }
}

/* A search as it goes through one window. */
typedef struct {
    const block_t *blocks;
    const request_t *request;
    asked_t *terms;
    double *weights; /* per concept, with its idf */
    double wanted;         /* all weights together */
    hit_t *hits;
    uint32_t size;
} search_t;

/* What the terms of a concept are worth in a document that must not be before the one asked about last. */
static double added(search_t *search, uint32_t concept, uint32_t doc, double k1) {
    double pooled = 0.0;
    for (uint32_t term = search->request->last[concept]; term < search->request->last[concept + 1]; term++) {
        list_t *list = &search->terms[term].list;
        seek(list, doc);
        if (list->place < list->size && list->docs[list->place] == doc) pooled += pooled_at(list, list->place);
    }
    return pooled > 0.0 ? search->weights[concept] * (k1 + 1.0) * pooled / (k1 + pooled) : 0.0;
}

/* By what a score is multiplied: kernel.prior_of. */
static double prior_of(uint8_t byte) { return 1.0 + ((double)byte - 128.0) / 1024.0; }

static void score(search_t *search, uint32_t block, uint32_t doc, int named) {
    const request_t *request = search->request;
    double words = 0.0, matched = 0.0, others = 0.0;
    for (uint32_t concept = 0; concept < request->concepts; concept++) {
        double more = added(search, concept, doc, request->field->k1);
        words += more;
        if (more > 0.0) matched += search->weights[concept];
    }
    for (uint32_t concept = request->concepts; concept < request->concepts + request->others; concept++)
        others += added(search, concept, doc, request->other_field->k1);
    double part = search->wanted > 0.0 && matched < search->wanted ? matched / search->wanted : 1.0;
    hit_t hit = {0.0, block, doc, (uint32_t)named, search->blocks[block].versions[doc]};
    hit.score = (words * pow(part, request->coverage) + request->share * others) * prior_of(search->blocks[block].priors[doc]);
    hit.score = rint(hit.score * 1e6) / 1e6;
    if (search->size < request->wanted) {
        search->hits[search->size] = hit;
        rise(search->blocks, search->hits, search->size++);
    } else if (before(search->blocks, &hit, search->hits)) {
        search->hits[0] = hit;
        sink(search->blocks, search->hits, search->size, 0);
    }
}

/* The sum that a document must have to reach the page as it is now. `scale` is by how much a sum is larger than a score. */
static uint32_t level_of(const search_t *search, double scale) {
    if (search->size < search->request->wanted) return 0;
    if (search->hits[0].named) return MOST + 1;
    double least = (search->hits[0].score - SLACK) * scale;
    return least <= 0.0 ? 0 : least > MOST ? MOST + 1 : (uint32_t)least;
}

/* Score the documents with a bit, in their order, but for those that by their own prior do not reach the page any more. */
static void score_all(search_t *search, uint32_t block, uint32_t start, uint32_t words, const uint64_t *bits,
                      const uint64_t *named, const uint16_t *sums, double scale) {
    const request_t *request = search->request;
    const uint8_t *priors = search->blocks[block].priors + start;
    for (uint32_t term = 0; term < request->last[request->concepts + request->others]; term++)
        search->terms[term].list.place = search->terms[term].begin;
    for (uint32_t word = 0; word < words; word++)
        for (uint64_t rest = bits[word]; rest; rest &= rest - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(rest), at = word * 64 + bit;
            int is_named = named && named[word] >> bit & 1;
            if (is_named || sums[at] >= level_of(search, scale / prior_of(priors[at])))
                score(search, block, start + at, is_named);
        }
}

/* A sum that at least `wanted` of these documents have, and few more; 0 if they are few anyway. */
static uint32_t promising(const uint16_t *sums, uint32_t words, const uint64_t *bits, uint32_t wanted) {
    uint32_t buckets[BUCKETS] = {0}, number = 0, bucket = BUCKETS;
    for (uint32_t word = 0; word < words; word++) number += (uint32_t)__builtin_popcountll(bits[word]);
    if (number <= 2 * wanted) return 0;
    for (uint32_t word = 0; word < words; word++)
        for (uint64_t rest = bits[word]; rest; rest &= rest - 1)
            buckets[sums[word * 64 + (uint32_t)__builtin_ctzll(rest)] / (MOST / BUCKETS + 1)]++;
    for (number = 0; bucket && number < wanted;) number += buckets[--bucket];
    return bucket * (MOST / BUCKETS + 1);
}

static int some(const uint64_t *bits, uint32_t words) {
    uint64_t any = 0;
    for (uint32_t word = 0; word < words; word++) any |= bits[word];
    return any != 0;
}

/* Find the documents of a window, and put the best of them among the hits. */
static void search_window(search_t *search, uint32_t index, uint32_t start, double scale, const uint64_t *may,
                          const uint64_t *named, uint64_t *found, uint64_t *total) {
    const request_t *request = search->request;
    const block_t *block = search->blocks + index;
    uint32_t documents = block->count - start < WINDOW ? block->count - start : WINDOW;
    uint32_t words = (documents + 63) / 64, every = request->concepts + request->others;
    asked_t *first = search->terms, *others = first + request->last[request->concepts], *end = first + request->last[every];
    double least = scale / block->most_prior; /* by how much a sum is larger than the score of any document here */
    uint16_t sums[WINDOW], numbers[WINDOW];
    uint64_t bits[WINDOW64], better[WINDOW64];
    memset(sums, 0, words * 64 * sizeof *sums);
    int any = request->all || named;
    for (asked_t *asked = first; asked < others; asked++) {
        asked->begin = asked->end;
        add_bounds(asked, start, sums);
        any |= asked->begin < asked->end;
    }
    if (!any) {
        memset(found, 0, words * sizeof *found);
        return;
    }
    if (request->need > 1) {
        memset(numbers, 0, words * 64 * sizeof *numbers);
        for (uint32_t concept = 0; concept < request->concepts; concept++)
            add_number(first + request->last[concept], request->last[concept + 1] - request->last[concept], start, numbers);
    }
    reaching(request->need > 1 ? numbers : sums, words, request->need > 1 ? request->need : 1, found);
    for (uint32_t word = 0; word < words; word++) {
        found[word] = (request->all ? ~0ull : found[word] | (named ? named[word] : 0)) & may[word];
        *total += (uint64_t)__builtin_popcountll(found[word]);
    }
    if (!request->wanted) return;
    uint32_t level = level_of(search, least), more = 0;
    for (asked_t *asked = others; asked < end; asked++) more += asked->list.size ? asked->most[BOUNDS - 1] : 0;
    reaching(sums, words, level > more ? level - more : 0, bits);
    for (uint32_t word = 0; word < words; word++) bits[word] = (bits[word] | (named ? named[word] : 0)) & found[word];
    if (!some(bits, words)) return;
    for (asked_t *asked = others; asked < end; asked++) {
        seek(&asked->list, start);
        asked->begin = asked->list.place;
        add_bounds(asked, start, sums);
    }
    uint32_t high = promising(sums, words, bits, request->wanted);
    if (high > level) {
        reaching(sums, words, high, better);
        for (uint32_t word = 0; word < words; word++) {
            better[word] &= bits[word];
            bits[word] &= ~better[word];
        }
        score_all(search, index, start, words, better, named, sums, scale);
    }
    reaching(sums, words, level_of(search, least), better);
    for (uint32_t word = 0; word < words; word++) bits[word] &= better[word] | (named ? named[word] : 0);
    score_all(search, index, start, words, bits, named, sums, scale);
}

/* Returns the number of hits, best first, and the number of documents found; -1 without memory. `allowed`, `named` and
 * `found` have 1,024 words a block; `named` may be NULL. Document frequencies that had to be counted are left in the
 * request. */
int64_t kb_search(const block_t *blocks, uint32_t number, const request_t *request, const uint64_t *allowed,
                  const uint64_t *named, uint64_t *found, hit_t *hits, uint64_t *total) {
    uint32_t every = request->concepts + request->others, terms = request->last[every];
    search_t search = {blocks, request, malloc((terms + 1) * sizeof(asked_t)), malloc((every + 1) * sizeof(double)),
                       0.0, hits, 0};
    double most = 0.0; /* of a sum of bounds, before it is scaled */
    *total = 0;
    if (!search.terms || !search.weights) {
        free(search.terms);
        free(search.weights);
        return -1;
    }
    for (uint32_t concept = 0; concept < every; concept++) {
        int other = concept >= request->concepts;
        const field_t *field = other ? request->other_field : request->field;
        double *frequency = request->frequencies + concept;
        if (*frequency < 0)
            *frequency = occurrences(blocks, number, request, other ? request->other_space : request->space, field, concept);
        double weight = request->weights[concept] * log1p((request->documents - *frequency + 0.5) / (*frequency + 0.5));
        search.weights[concept] = weight;
        if (!other) search.wanted += weight;
        most += (request->last[concept + 1] - request->last[concept]) * weight * (field->k1 + 1.0) *
                (other ? request->share : 1.0);
    }
    double scale = most > 0.0 ? (MOST - terms) / most : 1.0;
    for (uint32_t index = 0; index < number; index++) {
        const block_t *block = blocks + index;
        const space_t *space = block->spaces + request->space, *other_space = block->spaces + request->other_space;
        meaning_t meaning, other_meaning;
        mean(&meaning, space, request->field, request->faces);
        if (request->others) mean(&other_meaning, other_space, request->other_field, request->faces);
        for (uint32_t concept = 0; concept < every; concept++)
            for (uint32_t term = request->last[concept]; term < request->last[concept + 1]; term++) {
                int other = concept >= request->concepts;
                const field_t *field = other ? request->other_field : request->field;
                asked_t *asked = search.terms + term;
                asked->begin = asked->end = asked->list.size = asked->list.place = 0;
                if (request->weights[concept] <= 0.0) continue;
                if (open_list(&asked->list, block, other ? other_space : space, field, other ? &other_meaning : &meaning,
                              request, term))
                    set_most(asked, field->ceilings + (uint64_t)index * BOUNDS,
                             scale * search.weights[concept] * (field->k1 + 1.0) * (other ? request->share : 1.0));
            }
        for (uint32_t start = 0; start < block->count; start += WINDOW) {
            uint64_t offset = (uint64_t)index * WORDS64 + start / 64;
            search_window(&search, index, start, scale, allowed + offset, named ? named + offset : NULL, found + offset,
                          total);
        }
        uint32_t words = (block->count + 63) / 64;
        memset(found + (uint64_t)index * WORDS64 + words, 0, (WORDS64 - words) * sizeof *found);
    }
    free(search.terms);
    free(search.weights);
    for (uint32_t left = search.size; left > 1;) { /* the worst to the end, again and again */
        hit_t worst = hits[0];
        hits[0] = hits[--left];
        hits[left] = worst;
        sink(blocks, hits, left, 0);
    }
    return search.size;
}

/* Set the bits of the documents that one of the keys names, if there are `bits`; returns how many keys named somebody. */
uint32_t kb_named(const block_t *blocks, uint32_t number, const strings_t *keys, uint64_t *bits) {
    uint32_t known = 0;
    for (uint32_t index = 0; index < number; index++) {
        const space_t *space = blocks[index].spaces + KEYS;
        for (uint32_t which = 0; which < keys->number; which++) {
            uint32_t start = keys->ends[which];
            int64_t key = find(space, keys->text + start, keys->ends[which + 1] - start);
            if (key < 0) continue;
            known++;
            for (uint32_t place = space->starts[key]; bits && place < space->starts[key + 1]; place++)
                bits[(uint64_t)index * WORDS64 + (space->docs[place] >> 6)] |= 1ull << (space->docs[place] & 63);
        }
    }
    return known;
}

/* A column: the value of each document, or pairs of document and value where one may have several. */
typedef struct {
    const uint16_t *docs; /* NULL: a code a document */
    const uint32_t *codes;
    uint32_t pairs;
    uint32_t first; /* of its values, in `counts` */
} column_t;

/* How many of the found documents have each value? `columns` has so many a block; `found` has 1,024 words a block. */
void kb_count(const column_t *columns, uint32_t number, uint32_t blocks, const uint64_t *found, uint64_t *counts) {
    for (uint32_t block = 0; block < blocks; block++, found += WORDS64)
        for (uint32_t which = 0; which < number; which++, columns++) {
            uint64_t *here = counts + columns->first;
            for (uint32_t pair = 0; columns->docs && pair < columns->pairs; pair++)
                here[columns->codes[pair]] += found[columns->docs[pair] >> 6] >> (columns->docs[pair] & 63) & 1;
            for (uint32_t word = 0; !columns->docs && word < (columns->pairs + 63) / 64; word++)
                for (uint64_t bits = found[word]; bits; bits &= bits - 1)
                    here[columns->codes[word * 64 + (uint32_t)__builtin_ctzll(bits)]]++;
        }
}

/* How many postings each of these terms has in all blocks. */
void kb_frequencies(const block_t *blocks, uint32_t number, uint32_t order, const strings_t *terms, uint64_t *counts) {
    for (uint32_t index = 0; index < number; index++) {
        const space_t *space = blocks[index].spaces + order;
        for (uint32_t term = 0; term < terms->number; term++) {
            uint32_t start = terms->ends[term];
            int64_t at = find(space, terms->text + start, terms->ends[term + 1] - start);
            if (at >= 0) counts[term] += space->starts[at + 1] - space->starts[at];
        }
    }
}

/* The first term that does not stand before this text; with `past`, nor begins with it. */
static uint32_t place_of(const space_t *space, const uint8_t *text, uint32_t length, int past) {
    uint32_t low = 0, high = space->terms;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, start = space->ends[middle];
        uint32_t size = space->ends[middle + 1] - start;
        int order = memcmp(space->text + start, text, size < length ? size : length);
        if (!order && size < length) order = -1;
        if (order < 0 || (!order && past)) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The postings of one term, or of all terms that begin alike: they stand side by side. */
typedef struct {
    uint32_t first, end;
    int one;
} run_t;

/* Does a posting count in a face that takes part, by the bits of `list->faces`? `shown` answers for the codes of one byte. */
static inline int shows(const list_t *list, uint32_t place, const uint8_t *shown) {
    if (list->codes[place] != RARE) return shown[list->codes[place]];
    const uint16_t *counts = pattern_at(list, place);
    for (uint32_t face = 0; face < FACES; face++)
        if (counts[face] && list->faces >> face & 1) return 1;
    return 0;
}

/* Keep the bits of the documents that have a posting of the run in a face that takes part. */
static void keep(list_t *list, run_t run, const uint8_t *shown, uint32_t words, uint64_t *bits) {
    uint64_t had[WORDS64] = {0}, left = 0;
    for (uint32_t word = 0; word < words; word++) left += (uint64_t)__builtin_popcountll(bits[word]);
    list->place = run.first;
    list->size = run.end;
    if (run.one && left * SEEKING < run.end - run.first) { /* few are left: look them up */
        for (uint32_t word = 0; word < words; word++)
            for (uint64_t rest = bits[word]; rest; rest &= rest - 1) {
                uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(rest);
                seek(list, doc);
                if (list->place < run.end && list->docs[list->place] == doc && shows(list, list->place, shown))
                    had[word] |= 1ull << (doc & 63);
            }
    } else
        for (uint32_t place = run.first; place < run.end; place++)
            if (shows(list, place, shown)) had[list->docs[place] >> 6] |= 1ull << (list->docs[place] & 63);
    for (uint32_t word = 0; word < words; word++) bits[word] &= had[word];
}

/* Keep the bits of the documents that have every one of these terms in one of `faces`, a bit each; `open` says which of the
 * terms stand for all that begin so. Returns -1 without memory. */
int64_t kb_having(const block_t *block, uint32_t order, const strings_t *terms, const uint8_t *open, uint32_t faces,
                  uint64_t *bits) {
    const space_t *space = block->spaces + order;
    uint32_t words = (block->count + 63) / 64, shortest = 0;
    list_t list = {.space = space, .docs = space->docs, .codes = space->codes, .faces = faces};
    uint8_t shown[CODES] = {0};
    for (uint32_t code = 0; code < RARE && code < space->rows; code++)
        for (uint32_t face = 0; face < FACES; face++)
            shown[code] |= space->patterns[code * FACES + face] && faces >> face & 1;
    run_t *runs = malloc((terms->number + 1) * sizeof *runs);
    if (!runs) return -1;
    for (uint32_t term = 0; term < terms->number; term++) {
        const uint8_t *text = terms->text + terms->ends[term];
        uint32_t length = terms->ends[term + 1] - terms->ends[term];
        int64_t number = open[term] ? place_of(space, text, length, 0) : find(space, text, length);
        uint32_t after = open[term] ? place_of(space, text, length, 1) : (uint32_t)number + 1;
        if (number < 0 || space->starts[number] == space->starts[after]) { /* nobody has all of them */
            memset(bits, 0, words * sizeof *bits);
            free(runs);
            return 0;
        }
        runs[term] = (run_t){space->starts[number], space->starts[after], !open[term]};
        if (runs[term].end - runs[term].first < runs[shortest].end - runs[shortest].first) shortest = term;
    }
    for (uint32_t term = 0; term < terms->number && some(bits, words); term++)
        keep(&list, runs[(shortest + term) % terms->number], shown, words, bits);
    free(runs);
    return 0;
}

/* Does a piece stand in a text? Both are of 16-bit codes. Where its first and its last code stand right, the rest is
 * compared. */
static int stands_in(const uint16_t *text, uint32_t size, const uint16_t *piece, uint32_t length) {
    if (!length || size < length) return !length;
    const uint16_t *at = text, *last = text + size - length;
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi16((int16_t)piece[0]), final = _mm_set1_epi16((int16_t)piece[length - 1]);
    for (; at + 7 <= last; at += 8) {
        __m128i one = _mm_cmpeq_epi16(first, _mm_loadu_si128((const __m128i *)at));
        __m128i other = _mm_cmpeq_epi16(final, _mm_loadu_si128((const __m128i *)(at + length - 1)));
        for (uint32_t hits = (uint32_t)_mm_movemask_epi8(_mm_and_si128(one, other)) & 0x5555; hits; hits &= hits - 1)
            if (!memcmp(at + __builtin_ctz(hits) / 2, piece, length * sizeof *piece)) return 1;
    }
#endif
    for (; at <= last; at++)
        if (*at == *piece && at[length - 1] == piece[length - 1] && !memcmp(at, piece, length * sizeof *piece)) return 1;
    return 0;
}

/* Keep the bits of the documents in which a piece of text stands, in one of `faces`, a bit each. */
void kb_containing(const texts_t *texts, uint32_t faces, uint32_t documents, const uint16_t *piece, uint32_t length,
                   uint64_t *bits) {
    for (uint32_t word = 0; word < (documents + 63) / 64; word++)
        for (uint64_t rest = bits[word]; rest; rest &= rest - 1) {
            uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(rest);
            int found = 0;
            for (uint32_t face = 0; face < FACES && !found; face++) {
                if (!(faces >> face & 1)) continue;
                const uint32_t *ends = texts[face].ends + doc;
                found = stands_in((const uint16_t *)texts[face].text + ends[0], ends[1] - ends[0], piece, length);
            }
            if (!found) bits[word] &= ~(1ull << (doc & 63));
        }
}
