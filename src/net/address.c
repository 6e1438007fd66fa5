#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

struct range {
    uint32_t begin;
    int bits;
};

/* IANA IPv4 Special-Purpose Address Registry, multicast and the reserved rest. */
static const struct range not_public[] = {
    {0x00000000, 8},  /* 0.0.0.0/8: this network */
    {0x0A000000, 8},  /* 10.0.0.0/8: private */
    {0x64400000, 10}, /* 100.64.0.0/10: shared by a provider */
    {0x7F000000, 8},  /* 127.0.0.0/8: loopback */
    {0xA9FE0000, 16}, /* 169.254.0.0/16: link-local, where clouds hand out credentials */
    {0xAC100000, 12}, /* 172.16.0.0/12: private */
    {0xC0000000, 24}, /* 192.0.0.0/24: protocols */
    {0xC0000200, 24}, /* 192.0.2.0/24: documentation */
    {0xC0586300, 24}, /* 192.88.99.0/24: 6to4 relays */
    {0xC0A80000, 16}, /* 192.168.0.0/16: private */
    {0xC6120000, 15}, /* 198.18.0.0/15: benchmarks */
    {0xC6336400, 24}, /* 198.51.100.0/24: documentation */
    {0xCB007100, 24}, /* 203.0.113.0/24: documentation */
    {0xE0000000, 3},  /* 224.0.0.0 and above: multicast, reserved, broadcast */
};

static int is_public_v4(uint32_t address)
{
    for (size_t i = 0; i < sizeof not_public / sizeof not_public[0]; i++)
        if ((address ^ not_public[i].begin) >> (32 - not_public[i].bits) == 0)
            return 0;
    return 1;
}

static uint32_t read_32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Only 2000::/3 is given out as public; of it not the ranges for protocols, tunnels and documentation. */
static int is_public_v6(const unsigned char *bytes)
{
    static const unsigned char translated[12] = {0x00, 0x64, 0xFF, 0x9B};
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    uint32_t first = read_32(bytes);
    if (memcmp(bytes, mapped, sizeof mapped) == 0 || memcmp(bytes, translated, sizeof translated) == 0)
        return is_public_v4(read_32(bytes + 12));
    if (first >> 29 != 1)
        return 0;
    return first >> 9 != 0x20010000 >> 9 && first != 0x20010DB8 && first >> 16 != 0x2002 && first >> 12 != 0x3FFF0;
}

int obs__address_is_loopback(const char *text)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

int obs__address_is_public(const char *text)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return is_public_v4(ntohl(v4.s_addr));
    return inet_pton(AF_INET6, text, &v6) == 1 && is_public_v6(v6.s6_addr);
}
