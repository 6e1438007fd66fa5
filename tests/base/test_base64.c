#include "base/base64.h"

#include <string.h>

#include "support.h"

/* RFC 4648, section 10. */
static const char *const published[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};

START_TEST(the_vectors_of_the_standard)
{
    char out[16];
    size_t size;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        const char *plain = published[i][0], *text = published[i][1];
        size_t bare = strcspn(text, "=");
        ck_assert_uint_eq(obs__base64_size(strlen(plain)), strlen(text));
        obs__base64_encode(out, plain, strlen(plain));
        ck_assert_mem_eq(out, text, strlen(text));
        ck_assert(obs__base64_decode(out, &size, text, strlen(text)) && size == strlen(plain));
        ck_assert_mem_eq(out, plain, size);
        ck_assert_uint_eq(obs__base64url_size(strlen(plain)), bare);
        ck_assert(obs__base64url_decode(out, &size, text, bare) && size == strlen(plain));
        ck_assert_mem_eq(out, plain, size);
        if (bare < strlen(text)) {
            ck_assert(!obs__base64_decode(out, &size, text, bare));
            ck_assert(!obs__base64url_decode(out, &size, text, strlen(text)));
        }
    }
}
END_TEST

START_TEST(all_bytes_go_there_and_back)
{
    unsigned char bytes[256], back[258];
    char text[400];
    size_t got;
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)(i * 167 + 13);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        obs__base64url_encode(text, bytes, size);
        ck_assert(obs__base64url_decode(back, &got, text, obs__base64url_size(size)) && got == size);
        ck_assert_mem_eq(back, bytes, size);
        obs__base64_encode(text, bytes, size);
        ck_assert(obs__base64_decode(back, &got, text, obs__base64_size(size)) && got == size);
        ck_assert_mem_eq(back, bytes, size);
    }
}
END_TEST

START_TEST(each_text_has_one_way_to_be_written)
{
    static const char *const wrong[] = {"Z",      "Zm9vY", "Zh",   "Zm9",  "Zm9vZh",  "Zg=",  "Zg==", "Zm8=", "Z g",
                                        "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zm9\xC3", "Zm9?", "Zm.v", "====", "="};
    static const char *const wrong_standard[] = {
        "Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zm-v", "Zm_v", "Z=9v", "=m9v", "Zm9v====", "Zg==Zm9v"};
    char out[16];
    size_t size;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!obs__base64url_decode(out, &size, wrong[i], strlen(wrong[i])), "%s", wrong[i]);
    for (size_t i = 0; i < sizeof wrong_standard / sizeof *wrong_standard; i++)
        ck_assert_msg(!obs__base64_decode(out, &size, wrong_standard[i], strlen(wrong_standard[i])), "%s", wrong_standard[i]);
    ck_assert(obs__base64url_decode(out, &size, "-_-_", 4) && size == 3);
    ck_assert(obs__base64_decode(out, &size, "+/+/", 4) && size == 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_vectors_of_the_standard, all_bytes_go_there_and_back,
                                  each_text_has_one_way_to_be_written};
    return test_main("base64", tests, sizeof tests / sizeof *tests);
}
