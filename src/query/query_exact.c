/* Comparison of rational numbers in fixed-capacity integers.
 *
 * With all four numbers a, b, top, bottom written over the smallest of their exponents,
 *     sign(a + (b - a) part / whole - Y(row))
 *   = sign((a (whole - part) + b part) height - ((height - row) top + row bottom) whole).
 * Size: 64 bits of mantissa, 2045 of exp2 range, 2658 of exp10 range (10^800), 96 of part or whole,
 * 15 of height, 2 of sums: 4880 bits, so 80 limbs of 64 bits hold everything.
 */
#include "query_exact.h"

#define LIMB_CAP 80u

typedef struct big {
    uint64_t limbs[LIMB_CAP]; /* least significant first; entries from `count` on are unset */
    uint32_t count;
    bool is_negative; /* false for zero */
} big;

static void big_set(big *x, int64_t value)
{
    x->is_negative = value < 0;
    x->limbs[0] = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    x->count = value != 0 ? 1 : 0;
}

static void big_multiply_u64(big *x, uint64_t factor)
{
    if (factor == 0) {
        big_set(x, 0);
        return;
    }
    uint64_t carry = 0;
    for (uint32_t i = 0; i < x->count; i++) {
        unsigned __int128 product = (unsigned __int128)x->limbs[i] * factor + carry;
        x->limbs[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
    if (carry != 0)
        x->limbs[x->count++] = carry;
}

static void big_shift_left(big *x, uint32_t bits)
{
    uint32_t whole = bits / 64, part = bits % 64;
    if (x->count == 0)
        return;
    x->limbs[x->count] = 0;
    for (uint32_t i = x->count + 1; i-- > 0;) {
        uint64_t low = i > 0 && part > 0 ? x->limbs[i - 1] >> (64 - part) : 0;
        x->limbs[i + whole] = (x->limbs[i] << part) | low;
    }
    for (uint32_t i = 0; i < whole; i++)
        x->limbs[i] = 0;
    x->count += whole + 1;
    if (x->limbs[x->count - 1] == 0)
        x->count--;
}

static int big_compare_magnitude(const big *x, const big *y)
{
    if (x->count != y->count)
        return x->count < y->count ? -1 : 1;
    for (uint32_t i = x->count; i-- > 0;)
        if (x->limbs[i] != y->limbs[i])
            return x->limbs[i] < y->limbs[i] ? -1 : 1;
    return 0;
}

static void big_add(big *x, const big *y)
{
    if (x->is_negative == y->is_negative) {
        uint32_t count = GCH_MAX(x->count, y->count);
        uint64_t carry = 0;
        for (uint32_t i = 0; i < count; i++) {
            unsigned __int128 sum = (unsigned __int128)(i < x->count ? x->limbs[i] : 0) +
                                    (i < y->count ? y->limbs[i] : 0) + carry;
            x->limbs[i] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        x->count = count;
        if (carry != 0)
            x->limbs[x->count++] = carry;
        return;
    }
    int order = big_compare_magnitude(x, y);
    if (order == 0) {
        big_set(x, 0);
        return;
    }
    const big *larger = order > 0 ? x : y, *smaller = order > 0 ? y : x;
    bool is_negative = larger->is_negative;
    uint32_t count = larger->count;
    uint64_t borrow = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t take = i < smaller->count ? smaller->limbs[i] : 0;
        unsigned __int128 difference = (unsigned __int128)larger->limbs[i] - take - borrow;
        x->limbs[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1u;
    }
    while (count > 0 && x->limbs[count - 1] == 0)
        count--;
    x->count = count;
    x->is_negative = is_negative;
}

/* x = x * factor, in two halves. */
static void big_multiply_u128(big *x, unsigned __int128 factor)
{
    big high = *x;
    big_multiply_u64(x, (uint64_t)factor);
    uint64_t upper = (uint64_t)(factor >> 64);
    if (upper == 0)
        return;
    big_multiply_u64(&high, upper);
    big_shift_left(&high, 64);
    if (x->count == 0)
        x->is_negative = high.is_negative;
    big_add(x, &high);
}

static void big_from_exact(big *x, gch__exact value, int32_t exp2, int32_t exp10)
{
    big_set(x, value.m);
    if (value.m == 0)
        return;
    for (int32_t left = value.exp10 - exp10; left > 0;) {
        int32_t step = GCH_MIN(left, 18);
        big_multiply_u64(x, (uint64_t)gch__pow10_i64[step]);
        left -= step;
    }
    big_shift_left(x, (uint32_t)(value.exp2 - exp2));
}

gch__exact gch__exact_from_decimal(gch_decimal value)
{
    return (gch__exact){.m = value.digits, .exp10 = value.exp10};
}

static gch__exact exact_from_f64(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int32_t exponent = (int32_t)((bits >> 52) & 0x7FFu);
    int64_t mantissa = (int64_t)(bits & 0xFFFFFFFFFFFFFu);
    if (exponent > 0)
        mantissa |= (int64_t)1 << 52;
    else
        exponent = 1;
    return (gch__exact){.m = (bits >> 63) != 0 ? -mantissa : mantissa, .exp2 = exponent - 1075};
}

gch__exact gch__exact_from_value(gch_value value)
{
    if (value.kind == GCH_VALUE_DECIMAL)
        return (gch__exact){.m = value.as.digits, .exp10 = -(int32_t)value.scale};
    return exact_from_f64(value.kind == GCH_VALUE_F32 ? (double)value.as.f32 : value.as.f64);
}

gch__exact gch__exact_from_key(const gch__key_map *map, uint64_t key)
{
    return gch__exact_from_value(gch__value_from_key(map, key));
}

int gch__exact_compare_edge(const gch__exact_line *number, uint32_t row, uint32_t height,
                            gch__exact top, gch__exact bottom)
{
    const gch__exact *numbers[] = {&number->a, &number->b, &top, &bottom};
    int32_t exp2 = INT32_MAX, exp10 = INT32_MAX;
    for (size_t i = 0; i < GCH_COUNT_OF(numbers); i++) {
        if (numbers[i]->m == 0)
            continue; /* zero has any exponent */
        exp2 = GCH_MIN(exp2, numbers[i]->exp2);
        exp10 = GCH_MIN(exp10, numbers[i]->exp10);
    }
    big left, term;
    big_from_exact(&left, number->a, exp2, exp10);
    big_multiply_u128(&left, number->whole - number->part);
    big_from_exact(&term, number->b, exp2, exp10);
    big_multiply_u128(&term, number->part);
    if (left.count == 0)
        left = term;
    else if (term.count > 0)
        big_add(&left, &term);
    big_multiply_u64(&left, height);

    big right;
    big_from_exact(&right, top, exp2, exp10);
    big_multiply_u64(&right, height - row);
    big_from_exact(&term, bottom, exp2, exp10);
    big_multiply_u64(&term, row);
    if (right.count == 0)
        right = term;
    else if (term.count > 0)
        big_add(&right, &term);
    big_multiply_u128(&right, number->whole);

    if (right.count > 0)
        right.is_negative = !right.is_negative;
    if (left.count == 0)
        left = right;
    else if (right.count > 0)
        big_add(&left, &right);
    return left.count == 0 ? 0 : left.is_negative ? -1 : 1;
}
