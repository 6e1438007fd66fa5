/* Which addresses are public. */
#include "net/address.h"

#include "support.h"

START_TEST(public_ones)
{
    static const char *const texts[] = {
        "1.1.1.1",         "9.255.255.255",   "11.0.0.0",    "100.63.255.255", "100.128.0.0",      "172.15.255.255",
        "172.32.0.0",      "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",       "223.255.255.255",
        "2606:4700::1111", "2a00::1",         "2001:200::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", NULL};
    for (size_t i = 0; texts[i]; i++)
        ck_assert_msg(obs__address_is_public(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(all_others)
{
    static const char *const texts[] = {"0.0.0.0",
                                        "0.1.2.3",
                                        "10.0.0.1",
                                        "10.255.255.255",
                                        "100.64.0.0",
                                        "100.127.255.255",
                                        "127.0.0.1",
                                        "127.9.9.9",
                                        "169.254.169.254",
                                        "172.16.0.1",
                                        "172.31.255.255",
                                        "192.0.0.1",
                                        "192.0.2.1",
                                        "192.88.99.1",
                                        "192.168.0.1",
                                        "198.18.0.1",
                                        "198.19.255.255",
                                        "198.51.100.1",
                                        "203.0.113.1",
                                        "224.0.0.1",
                                        "239.1.1.1",
                                        "240.0.0.1",
                                        "255.255.255.255",
                                        "::",
                                        "::1",
                                        "::127.0.0.1",
                                        "::ffff:10.0.0.1",
                                        "::ffff:127.0.0.1",
                                        "64:ff9b::127.0.0.1",
                                        "64:ff9b:1::1",
                                        "100::1",
                                        "fe80::1",
                                        "fec0::1",
                                        "fc00::1",
                                        "fd12::1",
                                        "ff02::1",
                                        "2001::1",
                                        "2001:1ff::1",
                                        "2001:db8::1",
                                        "2002:7f00:1::",
                                        "3fff::1",
                                        "3fff:fff::1",
                                        "5f00::1",
                                        "",
                                        "localhost",
                                        "2130706433",
                                        "1.1.1",
                                        "fe80::1%eth0",
                                        "[2606::1]",
                                        NULL};
    for (size_t i = 0; texts[i]; i++)
        ck_assert_msg(!obs__address_is_public(texts[i]), "%s", texts[i]);
}
END_TEST

START_TEST(this_machine)
{
    ck_assert(obs__address_is_loopback("127.0.0.1") && obs__address_is_loopback("127.255.0.1") &&
              obs__address_is_loopback("::1"));
    ck_assert(!obs__address_is_loopback("128.0.0.1") && !obs__address_is_loopback("::2") &&
              !obs__address_is_loopback("localhost"));
}
END_TEST

int main(void)
{
    const TTest *tests[] = {public_ones, all_others, this_machine};
    return test_main("address", tests, sizeof tests / sizeof tests[0]);
}
