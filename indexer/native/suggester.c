/* Which entries are offered while somebody is typing? See suggestions.py for the levels and kernel.py for the contract;
 * numpy_kernel.py gives the same answer without a compiler.
 *
 * Titles and symptoms are found by the terms that they must have, and read only where these do not say it all and the entry
 * could still be among the best. Spelt titles are short: they are read through, where there is room after all others.
 */

#include <stddef.h>
#include <string.h>

#include "block.h"

#define GRAMS 1 /* the space of pairs of characters and of atoms */
#define TITLE 0 /* the faces that are looked at */
#define SYMPTOMS 1
#define LOOKED_UP 4 /* of a code: its row is beyond the codes */
#define CHUNK 64    /* bytes of a text looked at together */
#define READING 64  /* postings that cost as much as reading a text */

/* The terms from one to before another, which are neighbours, so that their postings are as well. */
typedef struct {
    const uint8_t *from, *before;
    uint32_t from_length, before_length;
} range_t;

typedef struct {
    const range_t *ranges; /* a text must have a term of each */
    const uint8_t *text;   /* UTF-16: a space and what was typed */
    const uint8_t *letters;
    uint32_t number;   /* of ranges; 0: no text fits */
    uint32_t exact;    /* a text with these terms contains what was typed */
    uint32_t length;   /* of the text, in bytes */
    uint32_t skip;     /* bytes of it that need not be contained: the space before Chinese */
    uint32_t spelling; /* how many letters; 0: no spelt title fits */
} typed_t;

typedef struct {
    uint32_t level, characters, block, doc;
} offer_t;

/* The best so far, in order. */
typedef struct {
    const block_t *blocks;
    offer_t *offers;
    uint32_t size, wanted;
} best_t;

typedef struct {
    uint64_t title[WORDS64], symptoms[WORDS64];
} fits_t;

static int before(const block_t *blocks, const offer_t *one, const offer_t *other) {
    if (one->level != other->level) return one->level < other->level;
    if (one->characters != other->characters) return one->characters < other->characters;
    const block_t *a = blocks + one->block, *b = blocks + other->block;
    const uint32_t *in_a = a->id_ends + one->doc, *in_b = b->id_ends + other->doc;
    return compare(a->ids + in_a[0], in_a[1] - in_a[0], b->ids + in_b[0], in_b[1] - in_b[0]) < 0;
}

/* Could a document still be among the best at this level, going by the length of its title? */
static inline int enters(const best_t *best, uint32_t level, uint32_t characters) {
    if (best->size < best->wanted) return 1;
    const offer_t *worst = best->offers + best->size - 1;
    return level != worst->level ? level < worst->level : characters <= worst->characters;
}

static void offer(best_t *best, uint32_t level, uint32_t index, uint32_t doc) {
    offer_t one = {level, best->blocks[index].characters[doc], index, doc};
    uint32_t place = best->size;
    if (place == best->wanted && !before(best->blocks, &one, best->offers + --place)) return;
    for (; place && before(best->blocks, &one, best->offers + place - 1); place--)
        best->offers[place] = best->offers[place - 1];
    best->offers[place] = one;
    if (best->size < best->wanted) best->size++;
}

static inline uint8_t faces_of(const uint16_t *counts) {
    return (uint8_t)((counts[TITLE] != 0) << TITLE | (counts[SYMPTOMS] != 0) << SYMPTOMS);
}

/* Set the bits of the documents that have one of these postings in a face that is looked at. */
static void mark(const space_t *space, const uint8_t *faces, uint32_t from, uint32_t to, fits_t *fits) {
    uint32_t rare = 0, high = space->rares;
    while (rare < high) {
        uint32_t middle = rare + (high - rare) / 2;
        if (space->rare_at[middle] < from) rare = middle + 1;
        else high = middle;
    }
    for (uint32_t place = from; place < to; place++) {
        uint8_t which = faces[space->codes[place]];
        if (which == LOOKED_UP) which = faces_of(space->patterns + (uint64_t)space->rare[rare++] * FACES);
        if (!which) continue;
        uint32_t word = space->docs[place] >> 6;
        uint64_t bit = 1ull << (space->docs[place] & 63);
        if (which >> TITLE & 1) fits->title[word] |= bit;
        if (which >> SYMPTOMS & 1) fits->symptoms[word] |= bit;
    }
}

/* Which documents could contain what was typed in their title, and which in their symptoms? */
static void candidates(const block_t *block, const typed_t *typed, fits_t *fits) {
    const space_t *space = block->spaces + GRAMS;
    uint32_t words = (block->count + 63) / 64, left = BLOCK;
    uint8_t faces[CODES] = {0};
    fits_t one;
    for (uint32_t code = 0; code < space->rows && code < RARE; code++) faces[code] = faces_of(space->patterns + code * FACES);
    faces[RARE] = LOOKED_UP;
    memset(fits, 0, sizeof *fits);
    for (uint32_t number = 0; number < typed->number && left; number++) {
        const range_t *range = typed->ranges + number;
        uint32_t from = space->starts[first_not_before(space, range->from, range->from_length)];
        uint32_t to = space->starts[first_not_before(space, range->before, range->before_length)];
        if (number && (to - from) / READING > left) continue;
        fits_t *into = number ? &one : fits;
        if (number) memset(&one, 0, sizeof one);
        mark(space, faces, from, to, into);
        left = 0;
        for (uint32_t word = 0; word < words; word++) {
            fits->title[word] &= into->title[word];
            fits->symptoms[word] &= into->symptoms[word];
            left += (uint32_t)__builtin_popcountll(fits->title[word] | fits->symptoms[word]);
        }
    }
}

/* Could a piece with these ends begin in a chunk? Compilers make a few vector instructions of it. */
static inline int could_begin(const uint8_t *at, const uint8_t *end, const uint8_t head[2], const uint8_t tail[2]) {
    uint8_t any = 0, a = head[0], b = head[1], c = tail[0], d = tail[1];
    for (size_t place = 0; place < CHUNK; place++)
        any |= (uint8_t)((at[place] == a) & (at[place + 1] == b) & (end[place] == c) & (end[place + 1] == d));
    return any;
}

/* The first place of a piece of two bytes or more. */
static const uint8_t *seek(const uint8_t *at, const uint8_t *end, const uint8_t *piece, size_t size) {
    if ((size_t)(end - at) < size) return 0;
    const uint8_t *after = end - size + 1;
    while (at < after) {
        size_t ahead = (size_t)(after - at) < CHUNK ? (size_t)(after - at) : CHUNK;
        if (ahead < CHUNK || could_begin(at, at + size - 2, piece, piece + size - 2))
            for (size_t place = 0; place < ahead; place++)
                if (at[place] == *piece && !memcmp(at + place, piece, size)) return at + place;
        at += ahead;
    }
    return 0;
}

/* Does a canonical text contain what was typed? */
static int contains(const texts_t *texts, uint32_t doc, const typed_t *typed) {
    const uint8_t *start = texts->text + 2 * (uint64_t)texts->ends[doc], *at = start;
    const uint8_t *end = texts->text + 2 * (uint64_t)texts->ends[doc + 1];
    while ((at = seek(at, end, typed->text + typed->skip, typed->length - typed->skip)) && (at - start) % 2) at++;
    return at != 0;
}

static int begins(const texts_t *texts, uint32_t doc, const typed_t *typed) {
    uint64_t size = 2 * (uint64_t)(texts->ends[doc + 1] - texts->ends[doc]);
    return size >= typed->length && !memcmp(texts->text + 2 * (uint64_t)texts->ends[doc], typed->text, typed->length);
}

/* Offer the documents whose title or symptoms contain what was typed: levels 0 to 2. */
static void by_text(best_t *best, uint32_t index, const typed_t *typed, const uint64_t *allowed) {
    const block_t *block = best->blocks + index;
    fits_t fits;
    candidates(block, typed, &fits);
    for (uint32_t word = 0; word < (block->count + 63) / 64; word++)
        for (uint64_t bits = (fits.title[word] | fits.symptoms[word]) & allowed[word]; bits; bits &= bits - 1) {
            uint64_t bit = bits & -bits;
            uint32_t doc = word * 64 + (uint32_t)__builtin_ctzll(bits), characters = block->characters[doc];
            int titled = (fits.title[word] & bit) != 0;
            if (!enters(best, titled ? 0 : 2, characters)) continue;
            if (titled && begins(&block->title, doc, typed)) offer(best, 0, index, doc);
            else if (titled && enters(best, 1, characters) && (typed->exact || contains(&block->title, doc, typed)))
                offer(best, 1, index, doc);
            else if (fits.symptoms[word] & bit && enters(best, 2, characters) &&
                     (typed->exact || contains(&block->symptoms, doc, typed)))
                offer(best, 2, index, doc);
        }
}

static int offered(const best_t *best, uint32_t index, uint32_t doc) {
    for (uint32_t place = 0; place < best->size; place++)
        if (best->offers[place].block == index && best->offers[place].doc == doc) return 1;
    return 0;
}

/* Offer the documents whose spelt titles contain the letters: level 3. Everything of a better level stands among the best
 * already, for there is room. */
static void by_letters(best_t *best, uint32_t index, const typed_t *typed, const uint64_t *allowed, const texts_t *texts) {
    const block_t *block = best->blocks + index;
    const uint8_t *end = texts->text + texts->ends[block->count];
    for (uint32_t doc = 0; doc < block->count; doc++) {
        if (!(allowed[doc >> 6] >> (doc & 63) & 1) || !enters(best, 3, block->characters[doc])) continue;
        const uint8_t *found = seek(texts->text + texts->ends[doc], end, typed->letters, typed->spelling);
        if (!found) return;
        uint32_t place = (uint32_t)(found - texts->text), low = doc, step = 1, high; /* in which document is that? */
        while (low + step < block->count && texts->ends[low + step] <= place) low += step, step *= 2;
        high = low + step < block->count ? low + step : block->count;
        while (high - low > 1) {
            uint32_t middle = low + (high - low) / 2;
            if (texts->ends[middle] <= place) low = middle;
            else high = middle;
        }
        doc = low;
        if (place + typed->spelling <= texts->ends[doc + 1] && allowed[doc >> 6] >> (doc & 63) & 1 &&
            enters(best, 3, block->characters[doc]) && !offered(best, index, doc))
            offer(best, 3, index, doc);
    }
}

/* The `wanted` documents that fit best, in order; returns how many there are. */
uint32_t kb_suggest(const block_t *blocks, uint32_t number, const typed_t *typed, const uint64_t *allowed, uint32_t wanted,
                    offer_t *offers) {
    best_t best = {blocks, offers, 0, wanted};
    for (uint32_t index = 0; typed->number && index < number; index++)
        by_text(&best, index, typed, allowed + (uint64_t)index * WORDS64);
    if (!typed->spelling || best.size == wanted) return best.size;
    for (uint32_t index = 0; index < number; index++) {
        by_letters(&best, index, typed, allowed + (uint64_t)index * WORDS64, &blocks[index].full);
        by_letters(&best, index, typed, allowed + (uint64_t)index * WORDS64, &blocks[index].initials);
    }
    return best.size;
}
