#include "base/span.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/hash.h"

/* A secret of the process, made anew after fork. Two threads may make it at the same time; whichever half of which key is used,
 * nobody knows it. */
static atomic_uint seeded_for;
static _Atomic uint64_t key_before;
static _Atomic uint64_t key_after;
static _Atomic uint64_t counter;

static void seed(unsigned generation)
{
    uint64_t keys[2];
    if (obs__random(keys, sizeof keys, NULL) != OBS_OK) {
        keys[0] = (uint64_t)obs__now_ns() ^ (uint64_t)getpid() << 40;
        keys[1] = (uint64_t)obs__monotonic_ns() ^ (uint64_t)(uintptr_t)keys;
    }
    atomic_store(&key_before, keys[0]);
    atomic_store(&key_after, keys[1]);
    atomic_store(&seeded_for, generation);
}

/* The finaliser of splitmix64: a permutation, so that equal results need equal counters. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    return x ^ x >> 31;
}

uint64_t obs__unique(void)
{
    unsigned generation = obs__generation();
    uint64_t result;
    if (atomic_load(&seeded_for) != generation)
        seed(generation);
    do {
        uint64_t number = atomic_fetch_add_explicit(&counter, 0x9E3779B97F4A7C15, memory_order_relaxed);
        result = mix(mix(number + atomic_load_explicit(&key_before, memory_order_relaxed)) ^
                     atomic_load_explicit(&key_after, memory_order_relaxed));
    } while (result == 0);
    return result;
}

static void write_hex(char *out, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 15; i >= 0; i--, number >>= 4)
        out[i] = digits[number & 15];
    out[16] = '\0';
}

/* Lower-case hexadecimal digits of the given number, not all zero unless that is allowed. */
static int is_id(const char *text, size_t size, int zero_allowed)
{
    int zero = 1;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return 0;
        zero &= c == '0';
    }
    return zero_allowed || !zero;
}

int obs__trace_parse(obs__trace *out, const char *text)
{
    size_t size = text ? strnlen(text, 512) : 0;
    if (size < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-')
        return 0;
    if (!is_id(text, 2, 1) || !is_id(text + 3, 32, 0) || !is_id(text + 36, 16, 0) || !is_id(text + 53, 2, 1))
        return 0;
    if (memcmp(text, "ff", 2) == 0)
        return 0;
    /* Version 00 ends here; a later one may go on, after a dash. */
    if (size > 55 && (memcmp(text, "00", 2) == 0 || text[55] != '-'))
        return 0;
    memcpy(out->trace_id, text + 3, 32);
    memcpy(out->span_id, text + 36, 16);
    out->trace_id[32] = out->span_id[16] = '\0';
    char last = text[54];
    out->flags = (uint8_t)((last <= '9' ? last - '0' : last - 'a' + 10) & 1);
    return 1;
}

void obs__trace_format(char out[OBS__TRACEPARENT_SIZE], const obs__trace *trace)
{
    snprintf(out, OBS__TRACEPARENT_SIZE, "00-%.32s-%.16s-%02x", trace->trace_id, trace->span_id, trace->flags & 1u);
}

void obs__trace_begin(char out[OBS__TRACEPARENT_SIZE], char parent_id[17], const char *parent)
{
    obs__trace trace;
    if (obs__trace_parse(&trace, parent))
        memcpy(parent_id, trace.span_id, sizeof trace.span_id);
    else {
        write_hex(trace.trace_id, obs__unique());
        write_hex(trace.trace_id + 16, obs__unique());
        trace.flags = 1;
        parent_id[0] = '\0';
    }
    memcpy(out, "00-", 3);
    memcpy(out + 3, trace.trace_id, 32);
    out[35] = '-';
    write_hex(out + 36, obs__unique());
    memcpy(out + 52, trace.flags ? "-01" : "-00", 4);
}
