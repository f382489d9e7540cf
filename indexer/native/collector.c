/* Which terms do documents have, and how often in each face? Collects the postings of one block: cuts text into words, pairs of
 * characters and sounds as the analyzer does (indexer/analysis/__init__.py), and sorts terms and postings as block.py writes
 * them. lexicon.py fills the tables, collector.py calls. What is rare is left to Python: a character that becomes several
 * (the whole document), and identifiers that have parts (one by one).
 *
 * Text is code points. A term has one number per space, given when it is first met; a document under way keeps its counts in
 * `open` until kb_close makes postings of them. After a failed allocation nothing is taken in any more, and kb_close says so.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cutter.h"

#define FACES 7
#define MOST 65535u   /* a count is kept in 16 bits */
#define LONGEST 64    /* characters of an identifier, or of an atom among the pairs of characters */
#define INITIALS 8    /* the longest row of initials */
#define TOGETHER 3    /* words whose initials are typed in one go */
#define INSIDE 8      /* characters of a word inside a word */
#define NONE 0xffffffffu
#define SEVERAL 0xffffffffu
#define UNKNOWN (-1)  /* what kb_collect answers: a character that the tables do not hold yet */
#define HARD (-2)     /* a document for Python */
#define FAILED (-3)

enum { WORDS, GRAMS, PINYIN, KEYS, SPACES };
enum { TITLE, SYMPTOMS, TAGS, BODY, LEAD, CAPTURED };
enum { HAN = 1, LETTER = 2, DIGIT = 4, PIECE = LETTER | DIGIT, SPACE = 8, JOINT = 16, HEAD = 32, SPOKEN = 64 };

typedef struct {
    const words_t *words;
    const uint32_t *forms;  /* per code point: what it becomes, plus 1; 0 where that is not known yet */
    const uint8_t *classes; /* per code point of a form */
    const uint32_t *mixed;  /* words in two scripts, the longest first */
    const uint32_t *mixed_ends;
    uint32_t mixed_count;
} lexicon_t;

/* Byte strings, numbered as they come. */
typedef struct {
    uint64_t *slots; /* open addressing: hash << 32 | number + 1, 0 is empty */
    uint32_t *ends;  /* of each string in `text` */
    uint8_t *text;
    uint64_t slot_count, end_room, room;
    uint32_t count;
} table_t;

typedef struct {
    uint32_t term;
    uint16_t counts[FACES];
} open_t;

typedef struct {
    table_t terms, patterns;
    uint32_t *places; /* per term: where it may stand in `open` */
    open_t *open;
    uint32_t *numbers, *codes; /* per posting: term and pattern */
    uint16_t *docs;
    uint64_t place_room, open_room, number_room, code_room, doc_room;
    uint64_t postings;
    uint32_t opened;
} space_t;

typedef struct { /* what collector.py reads of a document */
    const uint16_t *text; /* canonical, UTF-16: the faces one after the other */
    const uint32_t *spans; /* pairs (start, end) in the document's text: what is left to Python */
    const uint8_t *full, *initials;
    uint32_t text_ends[FACES];
    uint32_t lengths[2][FACES]; /* in words and in grams */
    uint32_t spans_count, full_size, initials_size;
} result_t;

typedef struct {
    result_t result;
    space_t spaces[SPACES];
    table_t readings; /* of words: what stands in `sounds` */
    uint32_t *sound_ends;
    uint8_t *sounds; /* syllables, each closed by a line feed */
    uint32_t *form, *ends, *run, *pairs, *spans, *syllables;
    uint16_t *text;
    uint8_t *full, *initials, *bytes;
    uint64_t sound_end_room, sound_room, full_room, initials_room, room;
    uint32_t face_ends[FACES];
    uint32_t size, failed;
} collector_t;

static int grow(void *array, uint64_t *room, uint64_t wanted, size_t item) {
    if (wanted <= *room) return 1;
    uint64_t more = wanted + wanted / 2 + 64;
    void **pointer = array;
    uint8_t *moved = realloc(*pointer, more * item);
    if (!moved) return 0;
    memset(moved + *room * item, 0, (more - *room) * item);
    *pointer = moved;
    *room = more;
    return 1;
}

/* Tables */

static uint32_t hash(const uint8_t *text, uint32_t size) {
    uint64_t state = size * 0x9e3779b97f4a7c15ull;
    for (; size; ) {
        uint64_t piece = 0;
        uint32_t taken = size < 8 ? size : 8;
        memcpy(&piece, text, taken);
        state = (state ^ piece) * 0xff51afd7ed558ccdull;
        state ^= state >> 32;
        text += taken;
        size -= taken;
    }
    return (uint32_t)state;
}

static uint32_t begins(const table_t *table, uint32_t number) { return number ? table->ends[number - 1] : 0; }

static uint32_t find(const table_t *table, const uint8_t *text, uint32_t size, uint32_t hashed, uint64_t *slot) {
    if (!table->slot_count) return NONE;
    uint64_t mask = table->slot_count - 1;
    for (*slot = hashed & mask; table->slots[*slot]; *slot = (*slot + 1) & mask) {
        if (table->slots[*slot] >> 32 != hashed) continue;
        uint32_t number = (uint32_t)table->slots[*slot] - 1;
        uint32_t begin = begins(table, number);
        if (table->ends[number] - begin == size && !memcmp(table->text + begin, text, size)) return number;
    }
    return NONE;
}

static int widen(table_t *table) {
    uint64_t wanted = table->slot_count ? 2 * table->slot_count : 1024;
    uint64_t *slots = calloc(wanted, sizeof *slots);
    if (!slots) return 0;
    for (uint64_t old = 0; old < table->slot_count; old++) {
        if (!table->slots[old]) continue;
        uint64_t slot = table->slots[old] >> 32 & (wanted - 1);
        while (slots[slot]) slot = (slot + 1) & (wanted - 1);
        slots[slot] = table->slots[old];
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = wanted;
    return 1;
}

/* The number of a string, a new one if need be; NONE without memory. */
static uint32_t number_of(table_t *table, const uint8_t *text, uint32_t size) {
    uint32_t hashed = hash(text, size);
    uint64_t slot = 0;
    uint32_t number = find(table, text, size, hashed, &slot);
    if (number != NONE) return number;
    uint64_t begin = begins(table, table->count);
    if (begin + size >= NONE) return NONE;
    if (2 * ((uint64_t)table->count + 1) > table->slot_count) {
        if (!widen(table)) return NONE;
        find(table, text, size, hashed, &slot);
    }
    if (!grow(&table->ends, &table->end_room, table->count + 1, sizeof *table->ends)) return NONE;
    if (!grow(&table->text, &table->room, begin + size, 1)) return NONE;
    if (size) memcpy(table->text + begin, text, size);
    table->ends[table->count] = (uint32_t)begin + size;
    table->slots[slot] = (uint64_t)hashed << 32 | (table->count + 1);
    return table->count++;
}

static void drop(table_t *table) {
    free(table->slots);
    free(table->ends);
    free(table->text);
}

static uint8_t *put(uint8_t *out, uint32_t code) {
    if (code < 0x80) {
        *out++ = (uint8_t)code;
    } else if (code < 0x800) {
        *out++ = (uint8_t)(0xc0 | code >> 6);
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (uint8_t)(0xe0 | code >> 12);
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        *out++ = (uint8_t)(0xf0 | code >> 18);
        *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return out;
}

/* UTF-8 of some characters in `bytes`, which has room for the whole document; returns its size. */
static uint32_t utf8(collector_t *one, const uint32_t *text, uint32_t length) {
    uint8_t *out = one->bytes;
    for (uint32_t at = 0; at < length; at++) out = put(out, text[at]);
    return (uint32_t)(out - one->bytes);
}

/* Counts of the document under way */

static void count_bytes(collector_t *one, int space, uint32_t face, const uint8_t *text, uint32_t size, int once) {
    space_t *into = &one->spaces[space];
    uint32_t term = number_of(&into->terms, text, size);
    if (term == NONE || !grow(&into->places, &into->place_room, (uint64_t)term + 1, sizeof *into->places)) {
        one->failed = 1;
        return;
    }
    uint32_t place = into->places[term];
    if (place >= into->opened || into->open[place].term != term) {
        if (!grow(&into->open, &into->open_room, (uint64_t)into->opened + 1, sizeof *into->open)) {
            one->failed = 1;
            return;
        }
        place = into->places[term] = into->opened++;
        into->open[place] = (open_t){term, {0}};
    }
    uint16_t *count = &into->open[place].counts[face];
    if (once || face == LEAD || face == CAPTURED) *count = 1;
    else if (*count < MOST) ++*count;
}

static void count(collector_t *one, int space, uint32_t face, const uint32_t *text, uint32_t length) {
    count_bytes(one, space, face, one->bytes, utf8(one, text, length), 0);
}

/* Runs */

static int is(const lexicon_t *lexicon, uint32_t code, int classes) { return lexicon->classes[code] & classes; }

static int latin(uint32_t code) { return (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9'); }

/* The length of the word in two scripts that begins here, 0 without one. */
static uint32_t mixed_at(const lexicon_t *lexicon, const uint32_t *form, uint32_t begin, uint32_t end, uint32_t place) {
    if (!is(lexicon, form[place], HEAD) || (place > begin && latin(form[place - 1]))) return 0;
    uint32_t from = 0;
    for (uint32_t number = 0; number < lexicon->mixed_count; number++) {
        uint32_t size = lexicon->mixed_ends[number] - from;
        if (size <= end - place && !memcmp(lexicon->mixed + from, form + place, size * sizeof *form) &&
            (place + size == end || !latin(form[place + size])))
            return size;
        from += size;
    }
    return 0;
}

static uint32_t run_of(const lexicon_t *lexicon, const uint32_t *form, uint32_t place, uint32_t end, int classes) {
    while (place < end && is(lexicon, form[place], classes)) place++;
    return place;
}

/* Where the identifier ends that begins here: pieces joined by one to three signs; c++ and c# are words of their own. */
static uint32_t identifier(const lexicon_t *lexicon, const uint32_t *form, uint32_t place, uint32_t end, int *plain) {
    place = run_of(lexicon, form, place, end, PIECE);
    *plain = 1;
    for (;;) {
        uint32_t next = place;
        while (next < end && next < place + 3 && is(lexicon, form[next], JOINT)) next++;
        if (next == place || next == end || !is(lexicon, form[next], PIECE)) break;
        place = run_of(lexicon, form, next, end, PIECE);
        *plain = 0;
    }
    if (place < end && form[place] == '#') {
        *plain = 0;
        return place + 1;
    }
    if (place + 1 < end && form[place] == '+' && form[place + 1] == '+') {
        *plain = 0;
        return place + 2;
    }
    return place;
}

/* Is this piece one term and nothing else: letters alone or digits alone, and no class name such as NullPointer? */
static int whole(const lexicon_t *lexicon, const uint32_t *form, const uint32_t *written, uint32_t length) {
    if (length > LONGEST) return 0;
    uint32_t digits = 0, small = 0, large = 0;
    for (uint32_t at = 0; at < length; at++) {
        digits += is(lexicon, form[at], DIGIT) != 0;
        small += written[at] >= 'a' && written[at] <= 'z';
        large += at && written[at] >= 'A' && written[at] <= 'Z';
    }
    return digits ? digits == length : !large || !small;
}

static void leave(collector_t *one, uint32_t start, uint32_t end) {
    one->spans[2 * one->result.spans_count] = start;
    one->spans[2 * one->result.spans_count++ + 1] = end;
}

static void count_words(collector_t *one, const lexicon_t *lexicon, const uint32_t *written, uint32_t face, uint32_t begin,
                        uint32_t end) {
    const uint32_t *form = one->form;
    uint32_t length = 0, next;
    for (uint32_t place = begin; place < end; place = next) {
        uint32_t mixed = mixed_at(lexicon, form, begin, end, place);
        if (mixed) {
            next = place + mixed;
            leave(one, place, next);
            length++;
        } else if (is(lexicon, form[place], HAN)) {
            next = run_of(lexicon, form, place, end, HAN);
            uint32_t words = kb_cut(lexicon->words, form + place, next - place, one->ends), from = 0;
            length += words;
            for (uint32_t word = 0; word < words; from = one->ends[word++]) {
                uint32_t size = one->ends[word] - from;
                const uint32_t *text = form + place + from;
                count(one, WORDS, face, text, size);
                if (size < 3) continue;
                uint32_t inside = kb_inside(lexicon->words, text, size, one->pairs);
                for (uint32_t part = 0; part < inside; part++)
                    count(one, WORDS, face, text + one->pairs[2 * part], one->pairs[2 * part + 1] - one->pairs[2 * part]);
            }
        } else if (is(lexicon, form[place], PIECE)) {
            int plain;
            next = identifier(lexicon, form, place, end, &plain);
            length++;
            if (plain && whole(lexicon, form + place, written + place, next - place))
                count(one, WORDS, face, form + place, next - place);
            else
                leave(one, place, next);
        } else {
            next = place + 1;
        }
    }
    one->result.lengths[WORDS][face] = length;
}

/* Canonical text and pairs of characters */

static uint16_t *unit(uint16_t *out, const uint32_t *text, uint32_t length) {
    *out++ = ' ';
    for (uint32_t at = 0; at < length; at++) {
        if (text[at] < 0x10000) {
            *out++ = (uint16_t)text[at];
        } else {
            *out++ = (uint16_t)(0xd7c0 + (text[at] >> 10));
            *out++ = (uint16_t)(0xdc00 | (text[at] & 0x3ff));
        }
    }
    return out;
}

static uint16_t *close_run(collector_t *one, uint16_t *out, uint32_t face, uint32_t length) {
    if (!length) return out;
    for (uint32_t at = 0; at < length; at++) count(one, GRAMS, face, one->run + at, at + 1 < length ? 2 : 1);
    one->result.lengths[GRAMS][face] += length;
    return unit(out, one->run, length);
}

/* The canonical text of a line or of a whole face; its Chinese goes on across white space. */
static uint16_t *count_grams(collector_t *one, const lexicon_t *lexicon, uint16_t *out, uint32_t face, uint32_t place,
                             uint32_t end) {
    const uint32_t *form = one->form;
    uint16_t *first = out;
    uint32_t length = 0, next;
    for (; place < end; place = next) {
        if (is(lexicon, form[place], HAN)) {
            next = run_of(lexicon, form, place, end, HAN);
            memcpy(one->run + length, form + place, (next - place) * sizeof *form);
            length += next - place;
        } else if (is(lexicon, form[place], PIECE)) {
            out = close_run(one, out, face, length);
            length = 0;
            next = run_of(lexicon, form, place, end, is(lexicon, form[place], DIGIT) ? DIGIT : LETTER);
            count(one, GRAMS, face, form + place, next - place < LONGEST ? next - place : LONGEST);
            one->result.lengths[GRAMS][face]++;
            out = unit(out, form + place, next - place);
        } else {
            next = place + 1;
            if (is(lexicon, form[place], SPACE)) continue;
            out = close_run(one, out, face, length);
            length = 0;
        }
    }
    out = close_run(one, out, face, length);
    if (out == first) *out++ = ' ';
    *out++ = ' ';
    return out;
}

/* A document: reading it in */

static int reserve(collector_t *one, uint32_t size) {
    if (one->room && size <= one->room) return 1;
    uint64_t room = size + size / 2 + 1024;
    void **arrays[] = {(void **)&one->form, (void **)&one->ends, (void **)&one->run, (void **)&one->pairs, (void **)&one->spans,
                       (void **)&one->syllables, (void **)&one->text, (void **)&one->bytes};
    /* pairs: of one word, INSIDE - 1 words begin at each of its characters; spans: text does not hold more than its length;
     * text: " x" for a character beyond the 16 bits is 3 units, a line feed is 5, and 2 more per face; bytes: UTF-8. */
    size_t items[] = {4, 4, 4, 8 * INSIDE, 8, 8, 2 * 5, 4};
    for (int at = 0; at < 8; at++) {
        void *moved = realloc(*arrays[at], (room + 4 * FACES) * items[at]);
        if (!moved) return 0;
        *arrays[at] = moved;
    }
    one->room = room;
    return 1;
}

/* Is this spoken: e and figures in Chinese, which are figures of a code? */
static int spoken(const lexicon_t *lexicon, const uint32_t *form, uint32_t begin, uint32_t end, uint32_t place) {
    if (form[place] != 'e' || (place > begin && latin(form[place - 1]))) return 0;
    uint32_t next = place + 1;
    if (next < end && (form[next] == ' ' || form[next] == '-')) next++;
    return next < end && is(lexicon, form[next], SPOKEN);
}

static int32_t read_in(collector_t *one, const lexicon_t *lexicon, const uint32_t *written, const uint32_t *face_ends) {
    uint32_t *form = one->form;
    uint32_t size = face_ends[FACES - 1];
    for (uint32_t at = 0; at < size; at++) {
        uint32_t known = lexicon->forms[written[at]];
        if (!known) return UNKNOWN;
        if (known == SEVERAL) return HARD;
        form[at] = known - 1;
    }
    uint32_t begin = 0;
    for (uint32_t face = 0; face < FACES; begin = face_ends[face++])
        for (uint32_t at = begin; at < face_ends[face]; at++) {
            if (form[at] == 0x3bc && at >= begin + 2 && at + 1 < face_ends[face] && form[at - 2] == 'd' &&
                form[at - 1] == 'b' && form[at + 1] == 'v')
                form[at] = 'u'; /* dbμv */
            if (spoken(lexicon, form, begin, face_ends[face], at)) return HARD;
        }
    return 0;
}

/* Begin a document: count words and pairs of characters of its faces. UNKNOWN, HARD or FAILED, and nothing is counted; or
 * how many spans are left to Python (identifiers and words in two scripts; their lengths are counted already). */
int64_t kb_collect(collector_t *one, const lexicon_t *lexicon, const uint32_t *written, const uint32_t *face_ends) {
    result_t *result = &one->result;
    uint32_t size = face_ends[FACES - 1];
    if (!reserve(one, size)) return FAILED;
    int32_t wrong = read_in(one, lexicon, written, face_ends);
    if (wrong) return wrong;
    memset(result, 0, sizeof *result);
    memcpy(one->face_ends, face_ends, sizeof one->face_ends);
    one->size = size;
    uint16_t *out = one->text;
    uint32_t begin = 0;
    for (uint32_t face = 0; face < FACES; begin = face_ends[face++]) {
        uint32_t end = face_ends[face];
        uint16_t *kept = out;
        count_words(one, lexicon, written, face, begin, end);
        if (face == SYMPTOMS || face == TAGS || face == CAPTURED) { /* items, a line each */
            for (uint32_t line = begin, stop;; line = stop + 1) {
                for (stop = line; stop < end && written[stop] != '\n';) stop++;
                out = count_grams(one, lexicon, out, face, line, stop);
                if (stop == end) break;
                *out++ = ' ';
                *out++ = '\n';
                *out++ = ' ';
            }
        } else {
            out = count_grams(one, lexicon, out, face, begin, end);
        }
        if (face == LEAD || face == CAPTURED) out = kept; /* said in the body already, or never to be quoted */
        result->text_ends[face] = (uint32_t)(out - one->text);
    }
    result->text = one->text;
    result->spans = one->spans;
    return one->failed ? FAILED : (int64_t)result->spans_count;
}

/* Count terms in one face, each closed by a line feed: what Python made of a span, and keys. */
void kb_count_terms(collector_t *one, uint32_t space, uint32_t face, const uint8_t *text, uint32_t size) {
    for (uint32_t from = 0, at = 0; at < size; from = ++at) {
        while (text[at] != '\n') at++;
        count_bytes(one, (int)space, face, text + from, at - from, 0);
    }
}

/* Sounds */

/* How a word is read; it is asked for in `spans` if that is not known. */
static const uint8_t *reading(collector_t *one, uint32_t start, uint32_t end) {
    uint32_t size = utf8(one, one->form + start, end - start);
    uint64_t slot;
    uint32_t number = find(&one->readings, one->bytes, size, hash(one->bytes, size), &slot);
    if (number != NONE) return one->sounds + (number ? one->sound_ends[number - 1] : 0);
    leave(one, start, end);
    return 0;
}

static uint32_t first_letter(const uint8_t *syllable) {
    if (*syllable == '\n') return 0;
    return *syllable < 0xc0 ? 1 : *syllable < 0xe0 ? 2 : *syllable < 0xf0 ? 3 : 4;
}

static void append(collector_t *one, uint8_t **out, uint64_t *room, uint32_t *size, const uint8_t *text, uint32_t length) {
    if (!grow(out, room, (uint64_t)*size + length, 1)) {
        one->failed = 1;
        return;
    }
    if (length) memcpy(*out + *size, text, length);
    *size += length;
}

/* Pairs of syllables, and initials of words and of neighbouring words, of a run cut at `ends`. */
static void count_run(collector_t *one, uint32_t face, uint32_t length, uint32_t words) {
    uint32_t (*syllables)[2] = (uint32_t(*)[2])one->syllables; /* where each begins in `sounds`, and its size */
    uint8_t *term = one->bytes;
    for (uint32_t at = 0; at + 1 < length; at++) {
        uint64_t size = (uint64_t)syllables[at][1] + 1 + syllables[at + 1][1];
        if (size > 4 * one->room) continue; /* no syllable is as long as that */
        memcpy(term, one->sounds + syllables[at][0], syllables[at][1]);
        term[syllables[at][1]] = ' ';
        memcpy(term + syllables[at][1] + 1, one->sounds + syllables[at + 1][0], syllables[at + 1][1]);
        count_bytes(one, PINYIN, face, term, (uint32_t)size, 1);
    }
    for (uint32_t word = 0; word < words; word++) {
        uint32_t low = word ? one->ends[word - 1] : 0;
        for (uint32_t last = word; last < words && last < word + TOGETHER; last++) {
            uint32_t high = one->ends[last], size = 0;
            if (high - low < 2 || high - low > INITIALS) continue;
            for (uint32_t at = low; at < high; at++) {
                const uint8_t *syllable = one->sounds + syllables[at][0];
                uint32_t letter = first_letter(syllable);
                memcpy(term + size, syllable, letter);
                size += letter;
            }
            count_bytes(one, PINYIN, face, term, size, 1);
        }
    }
}

static void sound_face(collector_t *one, const lexicon_t *lexicon, uint32_t face) {
    const uint32_t *form = one->form;
    uint32_t (*syllables)[2] = (uint32_t(*)[2])one->syllables;
    uint32_t end = one->face_ends[face], next;
    for (uint32_t place = face ? one->face_ends[face - 1] : 0; place < end; place = next) {
        next = run_of(lexicon, form, place, end, HAN);
        if (next == place) {
            next++;
            continue;
        }
        uint32_t words = kb_cut(lexicon->words, form + place, next - place, one->ends), from = 0, asked = one->result.spans_count;
        for (uint32_t word = 0; word < words; from = one->ends[word++]) {
            const uint8_t *sound = reading(one, place + from, place + one->ends[word]);
            for (uint32_t at = from; sound && at < one->ends[word]; at++) {
                syllables[at][0] = (uint32_t)(sound - one->sounds);
                syllables[at][1] = 0;
                while (*sound++ != '\n') syllables[at][1]++;
            }
        }
        if (one->result.spans_count == asked) count_run(one, face, next - place, words);
    }
}

/* The title as it is typed in Latin letters: `full` and `initials`. */
static void spell(collector_t *one, const lexicon_t *lexicon) {
    const uint32_t *form = one->form;
    result_t *result = &one->result;
    uint32_t end = one->face_ends[TITLE], next;
    result->full_size = result->initials_size = 0;
    for (uint32_t place = 0; place < end; place = next) {
        uint32_t mixed = mixed_at(lexicon, form, 0, end, place), words = 1, from = 0;
        int plain;
        next = place + mixed;
        if (!mixed && is(lexicon, form[place], HAN)) {
            next = run_of(lexicon, form, place, end, HAN);
            words = kb_cut(lexicon->words, form + place, next - place, one->ends);
        } else if (!mixed && is(lexicon, form[place], PIECE)) {
            next = identifier(lexicon, form, place, end, &plain);
        } else if (!mixed) {
            next = place + 1;
            continue;
        }
        if (!is(lexicon, form[place], HAN)) {
            uint32_t size = utf8(one, form + place, next - place);
            append(one, &one->full, &one->full_room, &result->full_size, one->bytes, size);
            append(one, &one->initials, &one->initials_room, &result->initials_size, one->bytes, size);
            continue;
        }
        if (mixed) one->ends[0] = mixed;
        for (uint32_t word = 0; word < words; from = one->ends[word++]) {
            const uint8_t *sound = reading(one, place + from, place + one->ends[word]);
            for (uint32_t at = from; sound && at < one->ends[word]; at++) {
                uint32_t size = 0;
                while (sound[size] != '\n') size++;
                append(one, &one->full, &one->full_room, &result->full_size, sound, size);
                append(one, &one->initials, &one->initials_room, &result->initials_size, sound, first_letter(sound));
                sound += size + 1;
            }
        }
    }
    result->full = one->full;
    result->initials = one->initials;
}

/* Count how title and symptoms sound, and spell the title. Returns how many words (spans) have no known reading: teach them
 * and call again, which counts nothing twice. */
uint32_t kb_sound(collector_t *one, const lexicon_t *lexicon) {
    one->result.spans_count = 0;
    sound_face(one, lexicon, TITLE);
    sound_face(one, lexicon, SYMPTOMS);
    if (!one->result.spans_count) spell(one, lexicon);
    return one->failed ? 0 : one->result.spans_count; /* nothing can be taught any more: kb_close tells */
}

/* Teach the reading of a word: a syllable for each character, each closed by a line feed. */
void kb_teach(collector_t *one, const uint8_t *word, uint32_t size, const uint8_t *sounds, uint32_t length) {
    uint64_t slot;
    if (one->failed || find(&one->readings, word, size, hash(word, size), &slot) != NONE) return;
    uint32_t number = one->readings.count, from = number ? one->sound_ends[number - 1] : 0;
    if (!grow(&one->sound_ends, &one->sound_end_room, (uint64_t)number + 1, sizeof *one->sound_ends) ||
        !grow(&one->sounds, &one->sound_room, (uint64_t)from + length, 1) ||
        number_of(&one->readings, word, size) == NONE) {
        one->failed = 1;
        return;
    }
    memcpy(one->sounds + from, sounds, length);
    one->sound_ends[number] = from + length;
}

/* Postings */

static void post(collector_t *one, space_t *into, uint32_t term, uint32_t doc, uint32_t pattern) {
    if (term == NONE || pattern == NONE || into->postings + 1 >= NONE ||
        !grow(&into->numbers, &into->number_room, into->postings + 1, sizeof *into->numbers) ||
        !grow(&into->codes, &into->code_room, into->postings + 1, sizeof *into->codes) ||
        !grow(&into->docs, &into->doc_room, into->postings + 1, sizeof *into->docs)) {
        one->failed = 1;
        return;
    }
    into->numbers[into->postings] = term;
    into->codes[into->postings] = pattern;
    into->docs[into->postings++] = (uint16_t)doc;
}

/* End the document under way. Returns 0, or FAILED. */
int32_t kb_close(collector_t *one, uint32_t doc) {
    for (int space = WORDS; space < SPACES; space++) {
        space_t *into = &one->spaces[space];
        for (uint32_t at = 0; at < into->opened; at++)
            post(one, into, into->open[at].term, doc,
                 number_of(&into->patterns, (const uint8_t *)into->open[at].counts, sizeof into->open[at].counts));
        into->opened = 0;
    }
    return one->failed ? FAILED : 0;
}

/* The numbers of terms, but for those that are not wanted. Returns 0, or FAILED. */
int32_t kb_number(collector_t *one, uint32_t space, const uint8_t *text, const uint32_t *ends, uint32_t number,
                  const uint8_t *wanted, uint32_t *numbers) {
    for (uint32_t at = 0, from = 0; at < number; from = ends[at++])
        if (wanted[at] && (numbers[at] = number_of(&one->spaces[space].terms, text + from, ends[at] - from)) == NONE)
            return FAILED;
    return 0;
}

/* The numbers of patterns. Returns 0, or FAILED. */
int32_t kb_patterns(collector_t *one, uint32_t space, const uint16_t *rows, uint32_t number, uint32_t *numbers) {
    for (uint32_t at = 0; at < number; at++)
        if ((numbers[at] = number_of(&one->spaces[space].patterns, (const uint8_t *)(rows + FACES * at), 2 * FACES)) == NONE)
            return FAILED;
    return 0;
}

/* Take in postings, documents ascending. Returns 0, or FAILED. */
int32_t kb_post(collector_t *one, uint32_t space, const uint32_t *terms, const uint16_t *docs, const uint32_t *patterns,
                uint64_t number) {
    for (uint64_t at = 0; at < number; at++)
        post(one, &one->spaces[space], terms[at], docs[at], patterns ? patterns[at] : 0);
    return one->failed ? FAILED : 0;
}

/* Writing */

typedef struct {
    uint64_t head; /* the first eight bytes, so that most are compared without a look at the text */
    uint32_t number;
} sorted_t;

static int before(const table_t *terms, const sorted_t *one, const sorted_t *two) {
    if (one->head != two->head) return one->head < two->head;
    uint32_t first = begins(terms, one->number), second = begins(terms, two->number);
    uint32_t size = terms->ends[one->number] - first, other = terms->ends[two->number] - second;
    int order = memcmp(terms->text + first, terms->text + second, size < other ? size : other);
    return order ? order < 0 : size < other;
}

/* Merge sort from short runs to long ones; the result may stand in either array, and is returned. */
static sorted_t *sort(const table_t *terms, sorted_t *from, sorted_t *into) {
    uint64_t count = terms->count;
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t low = 0; low < count; low += 2 * width) {
            uint64_t middle = low + width < count ? low + width : count;
            uint64_t high = middle + width < count ? middle + width : count;
            for (uint64_t left = low, right = middle, out = low; out < high; out++) {
                int lower = left < middle && (right == high || !before(terms, &from[right], &from[left]));
                into[out] = lower ? from[left++] : from[right++];
            }
        }
        sorted_t *other = from;
        from = into;
        into = other;
    }
    return from;
}

/* How much there is in a space: terms, bytes of their text, postings, patterns. */
int32_t kb_sizes(const collector_t *one, uint32_t space, uint64_t *sizes) {
    const space_t *of = &one->spaces[space];
    sizes[0] = of->terms.count;
    sizes[1] = begins(&of->terms, of->terms.count);
    sizes[2] = of->postings;
    sizes[3] = of->patterns.count;
    return 0;
}

/* The terms in byte order and their postings, documents ascending. Returns 0, or FAILED. */
int32_t kb_sorted(const collector_t *one, uint32_t space, uint8_t *text, uint32_t *ends, uint32_t *starts, uint16_t *docs,
                  uint32_t *codes, uint16_t *patterns) {
    const space_t *of = &one->spaces[space];
    const table_t *terms = &of->terms;
    uint32_t count = terms->count;
    sorted_t *all = malloc(2 * ((uint64_t)count + 1) * sizeof *all);
    uint32_t *next = calloc((uint64_t)count + 1, sizeof *next); /* per term: where its next posting goes */
    if (!all || !next) {
        free(all);
        free(next);
        return FAILED;
    }
    for (uint32_t number = 0; number < count; number++) {
        uint32_t from = begins(terms, number), size = terms->ends[number] - from;
        uint64_t head = 0;
        for (uint32_t at = 0; at < 8; at++) head = head << 8 | (at < size ? terms->text[from + at] : 0);
        all[number] = (sorted_t){head, number};
    }
    for (uint64_t at = 0; at < of->postings; at++) next[of->numbers[at]]++;
    const sorted_t *ordered = sort(terms, all, all + count);
    uint32_t place = 0, posting = 0;
    ends[0] = 0;
    for (uint32_t rank = 0; rank < count; rank++) {
        uint32_t number = ordered[rank].number, used = next[number];
        uint32_t from = begins(terms, number), size = terms->ends[number] - from;
        if (size) memcpy(text + place, terms->text + from, size);
        ends[rank + 1] = place += size;
        starts[rank] = next[number] = posting;
        posting += used;
    }
    starts[count] = posting;
    for (uint64_t at = 0; at < of->postings; at++) {
        uint32_t to = next[of->numbers[at]]++;
        docs[to] = of->docs[at];
        codes[to] = of->codes[at];
    }
    if (of->patterns.count) memcpy(patterns, of->patterns.text, of->patterns.count * 2 * FACES);
    free(all);
    free(next);
    return 0;
}

/* Life */

collector_t *kb_collector(void) { return calloc(1, sizeof(collector_t)); }

void kb_discard(collector_t *one) {
    if (!one) return;
    for (int space = 0; space < SPACES; space++) {
        space_t *of = &one->spaces[space];
        drop(&of->terms);
        drop(&of->patterns);
        free(of->places);
        free(of->open);
        free(of->numbers);
        free(of->codes);
        free(of->docs);
    }
    drop(&one->readings);
    free(one->sound_ends);
    free(one->sounds);
    free(one->form);
    free(one->ends);
    free(one->run);
    free(one->pairs);
    free(one->spans);
    free(one->syllables);
    free(one->text);
    free(one->bytes);
    free(one->full);
    free(one->initials);
    free(one);
}
