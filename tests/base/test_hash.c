/* Hashes and their keyed form, on published vectors. */
#include "base/hash.h"

#include <string.h>

#include "base/text.h"
#include "support.h"

static obs_error error;

START_TEST(sha256_of_the_standard)
{
    unsigned char hash[OBS__SHA256_SIZE];
    char digits[2 * OBS__SHA256_SIZE + 1];
    ck_assert_ok(obs__sha256(hash, "abc", 3, &error));
    obs__hex(digits, hash, sizeof hash);
    ck_assert_str_eq(digits, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

/* RFC 4231: a short key, one of two blocks; and, by Python's hmac, no key and no message, and a key of exactly a block. */
START_TEST(hmac_sha256_of_the_standard)
{
    static const struct {
        char byte;
        size_t size;
        const char *message;
        const char *mac;
    } known[] = {
        {0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {(char)0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {0, 0, "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
        {'k', 64, "x", "f91c4c403625fb06910ef93999265bbd2d62baeaec6ff36455498cc124fe3e66"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        unsigned char key[131], mac[OBS__SHA256_SIZE];
        char digits[2 * OBS__SHA256_SIZE + 1];
        memset(key, known[i].byte, sizeof key);
        ck_assert_ok(obs__hmac_sha256(mac, key, known[i].size, known[i].message, strlen(known[i].message), &error));
        obs__hex(digits, mac, sizeof mac);
        ck_assert_str_eq(digits, known[i].mac);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {sha256_of_the_standard, hmac_sha256_of_the_standard};
    obs_error_init(&error, sizeof error);
    return test_main("hash", tests, sizeof tests / sizeof tests[0]);
}
