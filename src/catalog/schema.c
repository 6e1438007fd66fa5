/*
 * The tables of the catalog.
 *
 * `entry` is the truth: one row for each object or record, with its labels and values in it. Everything that a search
 * needs beyond it is an index that is made block by block: 1,024 entries with neighbouring numbers at a time, so that a commit
 * writes two rows for an entry whatever it carries, and not one for each label, value and word (see seal.c).
 *
 *     block         one row for each indexed block, with its sums
 *     field         numbers the names of labels and values
 *     entry_column  for each name and block: who has it, and roughly what (see column.c); id = field, kind, block
 *     stale         indexed entries that changed since: searches look at the entry itself
 *     entry_text    full text of the entries of indexed blocks; contentless, so each change gives it the old text
 */
#include "catalog/catalog.h"

#include "catalog/definition_schema.h"

const char obs__catalog_schema[] =
    "CREATE TABLE IF NOT EXISTS entry("
    " id INTEGER PRIMARY KEY AUTOINCREMENT," /* a number is never used again: positions of searches stay valid */
    " key BLOB NOT NULL UNIQUE,"
    " kind TEXT NOT NULL,"
    " type TEXT NOT NULL,"
    " size INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL,"
    " time_ns INTEGER NOT NULL,"
    " labels BLOB NOT NULL,"   /* name NUL value NUL …, sorted by name */
    " vals BLOB NOT NULL,"     /* a JSON object without blanks, or empty */
    " made_from BLOB NOT NULL" /* a JSON array without blanks, or empty */
    ") STRICT;"
    "CREATE TABLE IF NOT EXISTS made_from("
    " source BLOB NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY(source, entry)) STRICT, WITHOUT ROWID;"
    /* How it was made: what stood under the keys at that time, as key and SHA-256 (JSON), and the rest; and the time before. */
    "CREATE TABLE IF NOT EXISTS made("
    " entry INTEGER PRIMARY KEY, inputs BLOB NOT NULL, rest BLOB NOT NULL, inputs_before BLOB, rest_before BLOB) STRICT;"
    "CREATE TABLE IF NOT EXISTS block("
    " id INTEGER PRIMARY KEY, objects INTEGER NOT NULL, records INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS field(id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE IF NOT EXISTS entry_column(id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS stale(entry INTEGER PRIMARY KEY) STRICT;"
    "CREATE VIRTUAL TABLE IF NOT EXISTS entry_text USING fts5("
    " text, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2');" OBS__DEFINITION_SCHEMA
    "CREATE TABLE IF NOT EXISTS ingest_log("
    " id INTEGER PRIMARY KEY,"
    " time_ns INTEGER NOT NULL,"
    " accepted INTEGER NOT NULL,"
    " reason TEXT NOT NULL,"
    " item_table TEXT NOT NULL," /* a definition, or `objects` */
    " key BLOB NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " origin TEXT NOT NULL,"
    " trace TEXT NOT NULL,"
    " excerpt BLOB" /* of refused data */
    ") STRICT;"
    "CREATE INDEX IF NOT EXISTS ingest_log_refused ON ingest_log(id) WHERE accepted = 0;";
