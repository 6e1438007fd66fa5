/* Functions, from an event to what was made of it. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

static obs_error error;

START_TEST(one_event_makes_one_product)
{
    site here;
    site_open(&here);
    site_function(&here, "maker", "org.example.raw.*", NULL);
    site_publish(&here, "org.example.raw.make", "e1", "raw/a.fits");
    ck_assert_ok(site_run(&here, &error));
    char *product = site_get(&here, "products/e1.txt");
    ck_assert_pstr_eq(product, "made of raw/a.fits");
    free(product);
    ck_assert_int_eq(site_events(&here, "org.example.product.made"), 1);
    ck_assert_str_eq(site_dead(&here), "");
    ck_assert_ok(site_run(&here, &error)); /* nothing waits any more */
    ck_assert_int_eq(site_events(&here, "org.example.product.made"), 1);
    site_close(&here);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {one_event_makes_one_product};
    obs_error_init(&error, sizeof error);
    return test_main("function", tests, sizeof tests / sizeof tests[0]);
}
