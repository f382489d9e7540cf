/* The arrays of a block as C sees them; block.py says what is in them, kernel.py fills these in. */

#ifndef BLOCK_H
#define BLOCK_H

#include <stdint.h>
#include <string.h>

#define FACES 7
#define BLOCK 65536
#define WORDS64 (BLOCK / 64)
#define CODES 256
#define RARE 255 /* a code that names no pattern: see `rare` */

typedef struct {
    uint32_t terms;
    const uint8_t *text;     /* UTF-8 of all terms, in byte order */
    const uint32_t *ends;    /* terms + 1 */
    const uint32_t *starts;  /* terms + 1: first posting */
    const uint16_t *docs;
    const uint8_t *codes;    /* per posting: which pattern */
    const uint8_t *bounds;   /* per posting: see field_t.ceilings in kernel.c */
    const uint32_t *rare_at; /* postings with the code RARE, ascending */
    const uint32_t *rare;    /* and their patterns */
    uint32_t rares;
    uint32_t rows;
    const uint16_t *patterns; /* rows of FACES counts */
    const uint32_t *lengths;  /* FACES rows of `count` */
} space_t;

/* A text a document. `ends` counts in characters' codes: two bytes of a canonical text, one of a spelt title. */
typedef struct {
    const uint8_t *text;
    const uint32_t *ends; /* count + 1 */
} texts_t;

typedef struct {
    uint32_t count;
    const uint64_t *live; /* bits; NULL when nothing was deleted */
    const uint32_t *updated;
    const uint32_t *versions;
    const uint8_t *priors; /* by what a score is multiplied: see prior_of in kernel.c */
    double most_prior;     /* the greatest of them */
    const uint8_t *ids;
    const uint32_t *id_ends;
    space_t spaces[4];
    const uint16_t *characters; /* of each title */
    texts_t title, symptoms, full, initials;
} block_t;

static inline int compare(const uint8_t *one, uint32_t size, const uint8_t *other, uint32_t length) {
    int order = memcmp(one, other, size < length ? size : length);
    return order ? order : size < length ? -1 : size > length;
}

/* The number of the first term that is not before this one. */
static inline uint32_t first_not_before(const space_t *space, const uint8_t *term, uint32_t length) {
    uint32_t low = 0, high = space->terms;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, start = space->ends[middle];
        if (compare(space->text + start, space->ends[middle + 1] - start, term, length) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

#endif
