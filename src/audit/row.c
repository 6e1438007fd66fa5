/* Whether a row of the audit tables says what its leaf says. */
#include <string.h>

#include "audit/check.h"
#include "base/clock.h"

static const char search_row[] = "search row";

#define FIRST_CLEAR 5
#define CLEAR_SEQ 13

static obs__view bytes_at(sqlite3_stmt *row, int column)
{
    const char *data = sqlite3_column_blob(row, column);
    return (obs__view){data, data ? (size_t)sqlite3_column_bytes(row, column) : 0};
}

static int is_null(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL;
}

/* A text column repeats a text of the leaf, NULL its null. */
static int repeats(sqlite3_stmt *row, int column, const char *text)
{
    return text ? !is_null(row, column) && obs__view_is(bytes_at(row, column), text) : is_null(row, column);
}

static const char *wrong_column(sqlite3_stmt *row, const obs__audit_leaf *leaf)
{
    char time[OBS__TIME_SIZE];
    obs__time_format(time, sqlite3_column_int64(row, 1));
    if (strcmp(time, leaf->time) != 0)
        return "time";
    if (is_null(row, CLEAR_SEQ))
        return search_row;
    if (!repeats(row, 3, leaf->action))
        return "action";
    return repeats(row, 4, leaf->trace) ? NULL : "trace";
}

/* A field is empty, or opened by value and salt together, or erased: neither of them is there. */
static obs_status check_field(obs__row_check *out, sqlite3_stmt *row, const obs__audit_leaf *leaf, obs__audit_field field,
                              obs_error *error)
{
    char commitment[OBS__AUDIT_COMMITMENT_SIZE];
    int column = FIRST_CLEAR + 2 * (int)field;
    int has_value = !is_null(row, column), has_salt = !is_null(row, column + 1);
    const char *wanted = leaf->commitments[field];
    obs_status status = OBS_OK;
    int fine = !wanted ? !has_value && !has_salt : has_value == has_salt;
    out->erased |= wanted && !has_value && !has_salt;
    if (fine && wanted && has_value) {
        obs__view salt = bytes_at(row, column + 1), value = bytes_at(row, column);
        fine = salt.size == OBS__AUDIT_SALT_SIZE && value.size <= OBS__AUDIT_VALUE_MAX;
        if (fine)
            status = obs__audit_commitment(commitment, field, (const unsigned char *)salt.data, value, error);
        fine = fine && (status != OBS_OK || strcmp(commitment, wanted) == 0);
    }
    if (!fine) {
        out->what = obs__audit_field_name(field);
        out->is_clear = 1;
    }
    return status;
}

obs_status obs__row_check_of(obs__row_check *out, sqlite3_stmt *row, obs_error *error)
{
    obs__audit_leaf leaf;
    *out = (obs__row_check){0};
    obs_status status = obs__audit_leaf_read(&leaf, bytes_at(row, 2), error);
    if (status == OBS_DATA_LOSS) {
        out->what = "leaf";
        return OBS_OK;
    }
    if (status != OBS_OK)
        return status;
    out->what = wrong_column(row, &leaf);
    out->is_bare = out->what == search_row;
    for (int i = 0; i < OBS__AUDIT_FIELDS && !out->what && status == OBS_OK; i++)
        status = check_field(out, row, &leaf, (obs__audit_field)i, error);
    if (strcmp(leaf.kind, "loss") == 0 && leaf.count > 0)
        out->lost = (uint64_t)leaf.count;
    obs__audit_leaf_free(&leaf);
    return status;
}
