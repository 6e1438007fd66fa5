/* The fingerprint of CVE-2017-15361: primes of the form k * M + (65537^a mod M), with M the product of the first primes. */
#include "auth/key_inside.h"

/* The primes in which chance alone would rarely look alike: together 1 in 2^27. */
static const unsigned char primes[] = {11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157};

static unsigned remainder_of(const unsigned char *number, size_t size, unsigned prime)
{
    unsigned rest = 0;
    for (size_t i = 0; i < size; i++)
        rest = (rest << 8 | number[i]) % prime;
    return rest;
}

/* Whether a number modulo a prime is a power of 65537. */
static int is_power(unsigned number, unsigned prime)
{
    unsigned power = 1;
    do {
        if (power == number)
            return 1;
        power = power * (65537 % prime) % prime;
    } while (power != 1);
    return 0;
}

int obs__key_is_roca(const unsigned char *modulus, size_t size)
{
    for (size_t i = 0; i < sizeof primes; i++)
        if (!is_power(remainder_of(modulus, size, primes[i]), primes[i]))
            return 0;
    return 1;
}
