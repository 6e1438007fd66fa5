/* Searches, compared with a naive evaluation of the same questions over the same entries, while entries change. */
#include <ctype.h>

#include "catalog_support.h"

/* ---- A model of the catalog: an array that is looked through from front to back. ---- */

#define MOST_LABELS 4
#define ENTRIES 4000

typedef struct model {
    char key[64];
    char labels[MOST_LABELS][2][24];
    int label_count;
    char name_text[24]; /* value "object", or "" */
    double mag;         /* value "mag"; below 0: none */
    int run;            /* value "run" */
    int64_t time_ns;
    uint64_t size;
    int record;
    int alive;
} model;

static model models[ENTRIES + 100];
static size_t model_count;
static uint64_t seed;

static unsigned roll(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static const char *const objects[] = {"M 13", "NGC 7000", "2012 DA14", "0421", "Vega", "17.25"};
static const char *const filters[] = {"B", "V", "R", "clear", "017"};

static void set_label(model *entry, const char *name, const char *value)
{
    int at = 0;
    while (at < entry->label_count && strcmp(entry->labels[at][0], name) != 0)
        at++;
    if (!*value) {
        if (at < entry->label_count)
            memmove(entry->labels[at], entry->labels[at + 1], (size_t)(--entry->label_count - at) * sizeof *entry->labels);
        return;
    }
    snprintf(entry->labels[at][0], 24, "%s", name);
    snprintf(entry->labels[at][1], 24, "%s", value);
    entry->label_count += at == entry->label_count;
}

static void make_model(model *entry, unsigned number)
{
    char text[24];
    *entry = (model){.alive = 1, .record = roll(2) == 0, .mag = -1};
    if (entry->record)
        snprintf(entry->key, sizeof entry->key, "records/mpc.obs80/r-%05u", number);
    else
        snprintf(entry->key, sizeof entry->key, "raw/2026-11-%02u/ccd-%05u.fits", 1 + number / 200, number);
    snprintf(text, sizeof text, "2026-11-%02u", 1 + number / 200);
    set_label(entry, "night", text);
    if (roll(3))
        set_label(entry, "filter", filters[roll(5)]);
    if (roll(20) == 0) {
        snprintf(text, sizeof text, "%u", roll(1000));
        set_label(entry, "seq", text);
    }
    if (roll(4))
        entry->mag = roll(4) ? 10 + roll(10000) / 1000.0 : 18.5;
    if (roll(2))
        snprintf(entry->name_text, sizeof entry->name_text, "%s", objects[roll(6)]);
    entry->run = (int)roll(7);
    entry->size = roll(5000);
    entry->time_ns = INT64_C(1793491200000000000) + (int64_t)number * 600000000000; /* 2026-11-01 and every ten minutes */
}

static void add_model(obs__effects *effects, const model *entry)
{
    char values[160], mag[40] = "", object[40] = "";
    obs_pair labels[MOST_LABELS];
    for (int i = 0; i < entry->label_count; i++)
        labels[i] = (obs_pair){entry->labels[i][0], entry->labels[i][1]};
    if (entry->mag >= 0)
        snprintf(mag, sizeof mag, ",\"mag\":%.17g", entry->mag);
    if (*entry->name_text)
        snprintf(object, sizeof object, ",\"object\":\"%s\"", entry->name_text);
    snprintf(values, sizeof values, "{\"run\":%d%s%s,\"none\":null,\"deep\":{\"mag\":1}}", entry->run, mag, object);
    ck_assert_ok(obs__catalog_entry(effects,
                                    &(obs__entry){.kind = entry->record ? "record" : "object",
                                                  .key = {entry->key, strlen(entry->key)},
                                                  .type = entry->record ? "mpc.obs80" : "image/fits",
                                                  .size = entry->size,
                                                  .time_ns = entry->time_ns,
                                                  .labels = labels,
                                                  .label_count = (size_t)entry->label_count,
                                                  .values = values},
                                    &error));
}

/* ---- Questions. ---- */

typedef struct question {
    char text[512];
    int (*holds[6])(const model *entry, const struct question *question, int which);
    char argument[6][40];
    double number[6];
    int operator[6];
    int count;
} question;

static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">="};

static int ordered(int operator, double order)
{
    const int results[] = {order == 0, order != 0, order<0, order <= 0, order> 0, order >= 0};
    return results[operator];
}

static const char *label_of(const model *entry, const char *name)
{
    for (int i = 0; i < entry->label_count; i++)
        if (strcmp(entry->labels[i][0], name) == 0)
            return entry->labels[i][1];
    return NULL;
}

/* As text or, where both sides are numbers, as numbers; what is not there is equal to nothing. */
static int text_holds(const char *text, const question *question, int which)
{
    char *end, *other;
    int operator= question->operator[which];
    if (!text)
        return operator== 1;
    double a = strtod(text, &end), b = strtod(question->argument[which], &other);
    if (!*end && !*other)
        return ordered(operator, a - b);
    return ordered(operator, strcmp(text, question->argument[which]));
}

static int number_holds(int there, double number, const question *question, int which)
{
    int operator= question->operator[which];
    return there ? ordered(operator, number - question->number[which]) : operator== 1;
}

static int filter_holds(const model *entry, const question *question, int which)
{
    return text_holds(label_of(entry, "filter"), question, which);
}

static int night_holds(const model *entry, const question *question, int which)
{
    return text_holds(label_of(entry, "night"), question, which);
}

static int seq_holds(const model *entry, const question *question, int which)
{
    return text_holds(label_of(entry, "seq"), question, which);
}

static int object_holds(const model *entry, const question *question, int which)
{
    return text_holds(*entry->name_text ? entry->name_text : NULL, question, which);
}

static int mag_holds(const model *entry, const question *question, int which)
{
    return number_holds(entry->mag >= 0, entry->mag, question, which);
}

static int run_holds(const model *entry, const question *question, int which)
{
    return number_holds(1, entry->run, question, which);
}

static int size_holds(const model *entry, const question *question, int which)
{
    return number_holds(1, (double)entry->size, question, which);
}

static int kind_holds(const model *entry, const question *question, int which)
{
    return text_holds(entry->record ? "record" : "object", question, which);
}

static int type_holds(const model *entry, const question *question, int which)
{
    return text_holds(entry->record ? "mpc.obs80" : "image/fits", question, which);
}

static int time_holds(const model *entry, const question *question, int which)
{
    return ordered(question->operator[which], (double)(entry->time_ns / 1000) - question->number[which]);
}

static int key_holds(const model *entry, const question *question, int which)
{
    size_t size = strlen(question->argument[which]);
    int equal = strncmp(entry->key, question->argument[which], size) == 0;
    return question->operator[which] ? !equal : equal;
}

/* Words of letters and digits, in small letters, each between bars. */
static void words_of(char *out, const char *text)
{
    *out++ = '|';
    for (; *text; text++) {
        if (isalnum((unsigned char)*text))
            *out++ = (char)tolower((unsigned char)*text);
        else if (out[-1] != '|')
            *out++ = '|';
    }
    if (out[-1] != '|')
        *out++ = '|';
    *out = '\0';
}

static int words_hold(const model *entry, const question *question, int which)
{
    char all[512], words[600], wanted[64];
    int size = snprintf(all, sizeof all, "%s", entry->key);
    char sorted[MOST_LABELS][64];
    for (int i = 0; i < entry->label_count; i++)
        snprintf(sorted[i], sizeof sorted[i], "%s %s", entry->labels[i][0], entry->labels[i][1]);
    qsort(sorted, (size_t)entry->label_count, sizeof *sorted, (int (*)(const void *, const void *))strcmp);
    for (int i = 0; i < entry->label_count; i++)
        size += snprintf(all + size, sizeof all - (size_t)size, " %s", sorted[i]);
    snprintf(all + size, sizeof all - (size_t)size, " %s", entry->name_text);
    words_of(words, all);
    words_of(wanted, question->argument[which]);
    return strstr(words, wanted) != NULL;
}

static void ask(question *question, const char *name, int operator, const char * argument, const char *quote,
                int (*holds)(const model *, const struct question *, int))
{
    size_t size = strlen(question->text);
    snprintf(question->text + size, sizeof question->text - size, "%s%s%s%s%s%s", size ? " " : "", name,
             *name ? operators[operator] : "", quote, argument, quote);
    snprintf(question->argument[question->count], 40, "%s", argument);
    question->number[question->count] = strtod(argument, NULL);
    question->operator[question->count] = operator;
    question->holds[question->count++] = holds;
}

static void ask_key(question *question)
{
    static const char *const keys[] = {"raw/2026-11-0",          "raw/", "records/mpc.obs80/r-012",
                                       "raw/2026-11-03/ccd-004", "r",    "none"};
    char text[64];
    const char *key = keys[roll(6)];
    snprintf(text, sizeof text, "%s*", key);
    ask(question, "key", (int)roll(2), text, "", key_holds);
    question->argument[question->count - 1][strlen(key)] = '\0';
}

static void ask_words(question *question)
{
    static const char *const words[] = {"ccd", "M 13", "ngc", "0421", "ccd-0421", "fits", "night", "filter V", "obs80", "da14"};
    char text[40];
    if (roll(3))
        ask(question, "", 0, words[roll(10)], "\"", words_hold);
    else {
        snprintf(text, sizeof text, "ccd-%05u", roll(ENTRIES));
        ask(question, "", 0, text, "", words_hold);
    }
}

static void ask_time(question *question)
{
    char text[40];
    unsigned day = 1 + roll(28), hour = roll(24);
    snprintf(text, sizeof text, "2026-11-%02uT%02u:00:00Z", day, hour);
    ask(question, "time", (int)roll(6), text, "", time_holds);
    question->number[question->count - 1] = 1793491200e6 + ((day - 1) * 24 + hour) * 3600e6;
}

static void ask_one(question *question)
{
    char text[40];
    switch (roll(12)) {
    case 0:
        ask(question, "filter", (int)roll(6), roll(5) ? filters[roll(5)] : "17", "", filter_holds);
        break;
    case 1:
        snprintf(text, sizeof text, "2026-11-%02u", 1 + roll(25));
        ask(question, "night", (int)roll(6), text, "\"", night_holds);
        break;
    case 2:
        snprintf(text, sizeof text, "%u", roll(1000));
        ask(question, "seq", (int)roll(6), text, "", seq_holds);
        break;
    case 3:
        ask(question, "object", (int)roll(6), objects[roll(6)], "\"", object_holds);
        break;
    case 4:
    case 5:
        snprintf(text, sizeof text, "%g", roll(3) ? 9 + roll(120) / 10.0 : 18.5);
        ask(question, "mag", (int)roll(6), text, "", mag_holds);
        break;
    case 6:
        snprintf(text, sizeof text, "%u", roll(8));
        ask(question, "run", (int)roll(6), text, "", run_holds);
        break;
    case 7:
        snprintf(text, sizeof text, "%u", roll(5000));
        ask(question, "size", (int)roll(6), text, "", size_holds);
        break;
    case 8:
        ask(question, roll(2) ? "kind" : "type", (int)roll(2), "", "", kind_holds);
        break;
    case 9:
        ask_time(question);
        break;
    case 10:
        ask_key(question);
        break;
    default:
        ask_words(question);
    }
}

/* kind and type need their argument from a list of their own. */
static void ask_any(question *question)
{
    int count = question->count;
    size_t size = strlen(question->text);
    ask_one(question);
    if (question->holds[count] != kind_holds)
        return;
    int operator= question->operator[count], is_kind = (int)roll(2);
    question->count = count;
    question->text[size] = '\0';
    ask(question, is_kind ? "kind" : "type", operator, is_kind ? "record" : "image/fits", "",
        is_kind ? kind_holds : type_holds);
}

static char *naive(const question *question)
{
    char *keys = calloc(model_count + 1, 64), *to = keys;
    for (size_t i = 0; i < model_count; i++) {
        int holds = models[i].alive;
        for (int c = 0; c < question->count && holds; c++)
            holds = question->holds[c](&models[i], question, c);
        if (holds)
            to += sprintf(to, "%s ", models[i].key);
    }
    return keys;
}

static void compare(unsigned times)
{
    size_t found = 0;
    times = (unsigned)test_times((int)times);
    for (unsigned i = 0; i < times; i++) {
        question question = {0};
        for (unsigned n = 1 + roll(3); n > 0; n--)
            ask_any(&question);
        char *expected = naive(&question), *keys = search_keys(question.text);
        ck_assert_msg(strcmp(keys, expected) == 0, "%s\nfound    %.300s\nexpected %.300s", question.text, keys, expected);
        found += *keys != '\0';
        free(keys);
        free(expected);
    }
    ck_assert_uint_gt(found, times / 4); /* else the questions say nothing */
}

/* ---- Changes. ---- */

static void change_label(obs__effects *effects, model *entry)
{
    static const char *const names[] = {"filter", "seq", "night"};
    const char *name = names[roll(3)];
    const char *value = roll(4) ? filters[roll(5)] : "";
    set_label(entry, name, value);
    ck_assert_ok(
        obs__catalog_labels(effects, (obs__view){entry->key, strlen(entry->key)}, &(obs_pair){name, value}, 1, &error));
}

static void replace(obs__effects *effects, model *entry, unsigned number)
{
    char key[64];
    strcpy(key, entry->key);
    make_model(entry, number);
    strcpy(entry->key, key);
    add_model(effects, entry);
}

static void change_one(obs__effects *effects, model *entry, unsigned number)
{
    unsigned which = roll(8);
    if (!entry->alive)
        return;
    if (which > 2)
        change_label(effects, entry);
    else if (which > 0)
        replace(effects, entry, number);
    else {
        ck_assert_ok(obs__catalog_forget(effects, (obs__view){entry->key, strlen(entry->key)}, &error));
        entry->alive = 0;
    }
}

static void change_some(unsigned times)
{
    for (unsigned i = 0; i < times;) {
        obs__effects effects = {0};
        do {
            /* One block often enough to be made again. */
            unsigned number = roll(2) ? roll((unsigned)model_count) : roll(600);
            change_one(&effects, &models[number], number);
        } while (++i % 20);
        ck_assert_ok(commit_effects(&effects));
    }
}

static void add_models(size_t count)
{
    obs__effects effects = {0};
    for (size_t i = 0; i < count; i++, model_count++) {
        make_model(&models[model_count], (unsigned)model_count);
        add_model(&effects, &models[model_count]);
    }
    ck_assert_ok(commit_effects(&effects));
}

START_TEST(test_against_naive)
{
    const char *given = getenv("OBS_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : 20261121;
    model_count = 0;
    open_catalog();
    add_models(300);
    compare(100); /* nothing is indexed yet */
    add_models(1700);
    compare(150); /* one block and a rest */
    change_some(200);
    compare(150);
    add_models(ENTRIES - 2000);
    change_some(600);
    compare(200);
    close_catalog();
}
END_TEST

/* ---- Paging. ---- */

static size_t take(obs_rows *rows, size_t most, char *position)
{
    const char *text;
    size_t count = 0;
    while (count < most) {
        ck_assert_ok(obs_rows_next(rows, &text, NULL, &error));
        if (!text)
            break;
        count++;
    }
    strcpy(position, obs_rows_position(rows));
    return count;
}

START_TEST(test_paging)
{
    const size_t limits[] = {1, 2, 255, 256, 257, 511, 512, 513, 999, 1000, 1001};
    char position[32];
    seed = 1;
    model_count = 0;
    open_catalog();
    add_models(1000);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        size_t total = 0;
        *position = '\0';
        do {
            obs_rows *rows = NULL;
            obs_search_options options;
            char after[32];
            obs_search_options_init(&options, sizeof options);
            strcpy(after, position);
            options.after = after;
            options.limit = limits[i];
            ck_assert_ok(obs_catalog_search(&rows, catalog, NULL, &options, &error));
            ck_assert_str_eq(obs_rows_position(rows), "");
            total += take(rows, SIZE_MAX, position);
            ck_assert(*position == '\0' || total % limits[i] == 0);
            ck_assert_int_eq(*position == '\0', total == 1000); /* "" exactly when nothing follows */
            obs_rows_free(rows);
        } while (*position);
        ck_assert_uint_eq(total, 1000);
    }
    close_catalog();
}
END_TEST

/* Rows come in the order in which entries were made, also those that are made while one reads. */
START_TEST(test_paging_while_added)
{
    obs_rows *rows = NULL;
    char position[32];
    seed = 2;
    model_count = 0;
    open_catalog();
    add_models(900);
    ck_assert_ok(obs_catalog_search(&rows, catalog, "", NULL, &error));
    ck_assert_uint_eq(take(rows, 10, position), 10);
    forget_entry(models[100].key);
    forget_entry(models[899].key); /* the newest: its number must not come again */
    add_models(1500);
    ck_assert_uint_eq(take(rows, SIZE_MAX, position), 246 + 899 - 256 + 1500);
    obs_rows_free(rows);
    close_catalog();
}
END_TEST

START_TEST(test_bad_position)
{
    static const char *const bad[] = {"1", "e", "e-1", "e1 ", "l7", "e99999999999999999999", "x", "e1'; DROP TABLE entry; --"};
    open_catalog();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        obs_rows *rows = NULL;
        obs_search_options options;
        obs_search_options_init(&options, sizeof options);
        options.after = bad[i];
        ck_assert_int_eq(obs_catalog_search(&rows, catalog, "", &options, &error), OBS_INVALID_ARGUMENT);
        ck_assert_ptr_null(rows);
    }
    close_catalog();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_against_naive, test_paging, test_paging_while_added, test_bad_position};
    return test_main("search", tests, sizeof tests / sizeof *tests);
}
