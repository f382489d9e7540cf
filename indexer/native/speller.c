/* Which words does the index have? See spelling.py for what is asked and kernel.py for the contract; numpy_kernel.py gives
 * the same answer without a compiler. */

#include "block.h"

#define LONGEST 32 /* letters of a word that is compared, with room for what it may be longer */

typedef struct {
    uint32_t block, term, distance;
} near_t;

/* Does a posting stand in one of these faces, a bit each? */
static int stands(const space_t *space, uint32_t place, uint32_t faces) {
    uint32_t row = space->codes[place];
    if (row == RARE) {
        uint32_t low = 0, high = space->rares;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (space->rare_at[middle] < place) low = middle + 1;
            else high = middle;
        }
        row = space->rare[low];
    }
    for (uint32_t face = 0; face < FACES; face++)
        if (faces >> face & 1 && space->patterns[(uint64_t)row * FACES + face]) return 1;
    return 0;
}

/* How many of the allowed documents have each of these terms in one of these faces? `counts` begin with 0 and
 * end at `most`. */
void kb_known(const block_t *blocks, uint32_t number, uint32_t which, uint32_t faces, const uint8_t *text,
              const uint32_t *ends, uint32_t terms, const uint64_t *allowed, uint32_t most, uint32_t *counts) {
    for (uint32_t index = 0; index < number; index++, allowed += WORDS64) {
        const space_t *space = blocks[index].spaces + which;
        for (uint32_t one = 0; one < terms; one++) {
            uint32_t length = ends[one + 1] - ends[one];
            uint32_t term = first_not_before(space, text + ends[one], length);
            if (term == space->terms) continue;
            uint32_t start = space->ends[term];
            if (compare(space->text + start, space->ends[term + 1] - start, text + ends[one], length)) continue;
            for (uint32_t place = space->starts[term]; place < space->starts[term + 1] && counts[one] < most; place++)
                counts[one] += allowed[space->docs[place] >> 6] >> (space->docs[place] & 63) & 1 && stands(space, place, faces);
        }
    }
}

/* The letters a word has, a bit a letter; 0 where it has anything else. */
static uint32_t letters(const uint8_t *word, uint32_t length) {
    uint32_t found = 0;
    for (uint32_t place = 0; place < length; place++) {
        if (word[place] < 'a' || word[place] > 'z') return 0;
        found |= 1u << (word[place] - 'a');
    }
    return found;
}

/* Optimal string alignment: insertions, deletions, substitutions, and neighbours changed round, none of them twice. */
static uint32_t distance(const uint8_t *a, uint32_t n, const uint8_t *b, uint32_t m) {
    uint8_t rows[LONGEST + 1][LONGEST + 1];
    for (uint32_t j = 0; j <= m; j++) rows[0][j] = (uint8_t)j;
    for (uint32_t i = 1; i <= n; i++) {
        rows[i][0] = (uint8_t)i;
        for (uint32_t j = 1; j <= m; j++) {
            uint8_t best = (uint8_t)(rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (rows[i - 1][j] + 1 < best) best = (uint8_t)(rows[i - 1][j] + 1);
            if (rows[i][j - 1] + 1 < best) best = (uint8_t)(rows[i][j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && rows[i - 2][j - 2] + 1 < best)
                best = (uint8_t)(rows[i - 2][j - 2] + 1);
            rows[i][j] = best;
        }
    }
    return rows[n][m];
}

/* The terms of Latin letters alone that are at most so far from a word, but not the word; returns how many there are, of
 * which the first `room` are written. A letter that one has and the other has not takes a step, and a step two letters at most. */
uint32_t kb_near(const block_t *blocks, uint32_t number, uint32_t which, const uint8_t *word, uint32_t length, uint32_t most,
                 near_t *found, uint32_t room) {
    uint32_t count = 0, mine = letters(word, length);
    if (!mine || length + most > LONGEST) return 0;
    for (uint32_t index = 0; index < number; index++) {
        const space_t *space = blocks[index].spaces + which;
        uint32_t last = first_not_before(space, (const uint8_t *)"{", 1);
        for (uint32_t term = first_not_before(space, (const uint8_t *)"a", 1); term < last; term++) {
            const uint8_t *other = space->text + space->ends[term];
            uint32_t size = space->ends[term + 1] - space->ends[term];
            if (size + most < length || size > length + most) continue;
            uint32_t theirs = letters(other, size);
            if (!theirs || (uint32_t)__builtin_popcount(mine ^ theirs) > 2 * most) continue;
            uint32_t apart = distance(word, length, other, size);
            if (!apart || apart > most) continue;
            if (count < room) found[count] = (near_t){index, term, apart};
            count++;
        }
    }
    return count;
}
