/* Which words does a run of Chinese characters consist of? jieba's cut without HMM, over a mapped dictionary: of all ways to
 * read the run, the one whose words are likeliest together (a unigram model, found from the end by dynamic programming).
 * words.py compiles the dictionary from jieba's and says what the arrays hold.
 */

#include "cutter.h"

#define SLICE 200 /* characters: a longer run without punctuation is cut in slices, which keeps the cost linear */
#define NONE 0xffffffffu

static uint32_t step(const words_t *words, uint32_t node, uint32_t character) {
    uint64_t key = ((uint64_t)node << 21 | character) + 1;
    uint64_t slot = key * 0x9e3779b97f4a7c15ull >> 20 & words->mask;
    for (; words->keys[slot]; slot = (slot + 1) & words->mask)
        if (words->keys[slot] == key) return words->next[slot];
    return NONE;
}

static uint32_t cut(const words_t *words, const uint32_t *text, uint32_t length, uint32_t *ends, uint32_t offset) {
    double best[SLICE + 1];
    uint32_t until[SLICE];
    best[length] = 0.0;
    for (uint32_t start = length; start--;) {
        uint32_t node = 0;
        int any = 0;
        for (uint32_t end = start; end < length && (node = step(words, node, text[end])) != NONE; end++) {
            if (words->weights[node] < 0.0) continue;
            double here = words->weights[node] - words->total + best[end + 1];
            if (!any || here >= best[start]) { /* of two as likely, the one with the longer first word */
                best[start] = here;
                until[start] = end + 1;
            }
            any = 1;
        }
        if (!any) {
            best[start] = 0.0 - words->total + best[start + 1];
            until[start] = start + 1;
        }
    }
    uint32_t count = 0;
    for (uint32_t place = 0; place < length; place = until[place]) ends[count++] = offset + until[place];
    return count;
}

/* Cut a run of code points; writes where each word ends and returns their number. */
uint32_t kb_cut(const words_t *words, const uint32_t *text, uint32_t length, uint32_t *ends) {
    uint32_t count = 0;
    for (uint32_t start = 0; start < length; start += SLICE)
        count += cut(words, text + start, length - start < SLICE ? length - start : SLICE, ends + count, start);
    return count;
}

/* The dictionary words of 2 to 8 characters inside a word, without itself, as pairs (start, end); returns their number. */
uint32_t kb_inside(const words_t *words, const uint32_t *text, uint32_t length, uint32_t *pairs) {
    uint32_t count = 0;
    for (uint32_t start = 0; start + 1 < length; start++) {
        uint32_t node = 0;
        for (uint32_t end = start; end < length && end < start + 8 && (node = step(words, node, text[end])) != NONE; end++) {
            uint32_t size = end + 1 - start;
            if (size < 2 || size == length || words->weights[node] < 0.0) continue;
            pairs[2 * count] = start;
            pairs[2 * count++ + 1] = end + 1;
        }
    }
    return count;
}
