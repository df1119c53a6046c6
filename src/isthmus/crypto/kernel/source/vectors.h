/* Sixteen numbers side by side, in pairs of vectors of eight: vocabulary of this library. */
#ifndef ISTHMUS_VECTORS_H
#define ISTHMUS_VECTORS_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef __m512i vec; /* one 64-bit lane for each of eight numbers */

#define LANES 16 /* two vectors */
#define LIMB_BITS 52

/* c + the low, or the high, 52 bits of a 104-bit product. The instructions read 52 bits of a and b. */
#define ADD_LOW(c, a, b) _mm512_madd52lo_epu64(c, a, b)
#define ADD_HIGH(c, a, b) _mm512_madd52hi_epu64(c, a, b)

#define ZERO _mm512_setzero_si512()
#define LIMB _mm512_set1_epi64((1LL << LIMB_BITS) - 1)

/* Loops over the registers of a tile: unrolled, or the tile would be an array in memory. */
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))
#define APART static __attribute__((noinline))
#define EXPORT __attribute__((visibility("default")))

/* Overwrite secrets; the barrier keeps the compiler from leaving out a store that nobody reads. */
INLINE void wipe(void *from, size_t size) {
    memset(from, 0, size);
    __asm__ volatile("" : : "r"(from) : "memory");
}

/* Eight vectors of eight words to their transpose. */
INLINE void transpose(vec r[8]) {
    vec t[8], u[8];
    UNROLL for (int i = 0; i < 8; i += 2) { /* pairs of rows: even words, odd words */
        t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    UNROLL for (int odd = 0; odd < 2; odd++) { /* four rows: words 0 4, 2 6 (1 5, 3 7) */
        u[0 + odd] = _mm512_shuffle_i64x2(t[0 + odd], t[2 + odd], 0x88);
        u[2 + odd] = _mm512_shuffle_i64x2(t[0 + odd], t[2 + odd], 0xdd);
        u[4 + odd] = _mm512_shuffle_i64x2(t[4 + odd], t[6 + odd], 0x88);
        u[6 + odd] = _mm512_shuffle_i64x2(t[4 + odd], t[6 + odd], 0xdd);
    }
    UNROLL for (int odd = 0; odd < 2; odd++) {
        r[0 + odd] = _mm512_shuffle_i64x2(u[0 + odd], u[4 + odd], 0x88);
        r[4 + odd] = _mm512_shuffle_i64x2(u[0 + odd], u[4 + odd], 0xdd);
        r[2 + odd] = _mm512_shuffle_i64x2(u[2 + odd], u[6 + odd], 0x88);
        r[6 + odd] = _mm512_shuffle_i64x2(u[2 + odd], u[6 + odd], 0xdd);
    }
}

#endif
