/* Products of residues in batches, with AVX-512 IFMA: the arithmetic of Okamoto and Uchiyama's scheme.
 *
 * A library without state: it allocates nothing, keeps nothing, and calls nothing but memcpy
 * and memset. The caller has checked every argument, as field.py does. For each size of L limbs it has:
 *
 *   enter, leave   plain big-endian numbers to rows in Montgomery's form, and back
 *   times          products of pairs
 *   squares        powers of 2^k
 *   sums           products of lists of rows: sums of plaintexts by bucket
 *   powers         products of powers of bases that never change, from tables: encryption
 *   power          powers for one secret exponent: decryption
 *
 * enter, leave, times, squares, powers and power take the same time, and touch the same addresses,
 * whatever the numbers are; for sums, the lists decide, which are no secret of a ciphertext.
 */
#include "vectors.h"

#define WINDOW_BITS 8
#define ENTRIES (1 << WINDOW_BITS)
#define GROUP 8 /* sets of 16 numbers for which a window stays in the cache; even */

#define PASTE(name, limbs) name##_##limbs
#define NAMED(name, limbs) PASTE(name, limbs)
#define NAME(name) NAMED(name, L)

/* p^2 at a modulus of 2048 bits */
#define L 27
#define B 9
#define S 32
#include "montgomery.inc"
#include "rows.inc"
#include "operations.inc"
#undef L
#undef B
#undef S

/* n at 2048 bits, p^2 at 3072 */
#define L 40
#define B 8
#define S 40
#include "montgomery.inc"
#include "rows.inc"
#include "operations.inc"
#undef L
#undef B
#undef S

/* n at 3072 bits */
#define L 60
#define B 10
#define S 64
#include "montgomery.inc"
#include "rows.inc"
#include "operations.inc"

/* Whether this processor has the instructions. */
EXPORT int usable(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512ifma");
}

/* What this was compiled from: other code could call it with other arguments. */
#ifndef SOURCE_DIGEST
#define SOURCE_DIGEST ""
#endif
EXPORT const char *source_digest(void) { return SOURCE_DIGEST; }
