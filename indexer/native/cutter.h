/* The compiled dictionary, and what cutter.c finds in it. */

#ifndef CUTTER_H
#define CUTTER_H

#include <stdint.h>

typedef struct {
    const uint64_t *keys; /* open addressing: (node << 21 | character) + 1, 0 is empty */
    const uint32_t *next; /* the node reached */
    uint64_t mask;        /* slots - 1 */
    const double *weights; /* per node: log of the frequency of the word that ends there, -1 where none does */
    double total;         /* log of the sum of frequencies */
} words_t;

uint32_t kb_cut(const words_t *words, const uint32_t *text, uint32_t length, uint32_t *ends);
uint32_t kb_inside(const words_t *words, const uint32_t *text, uint32_t length, uint32_t *pairs);

#endif
