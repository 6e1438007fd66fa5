/* The tables of data definitions and of records, for schema.c. */
#ifndef OBS_CATALOG_DEFINITION_SCHEMA_H
#define OBS_CATALOG_DEFINITION_SCHEMA_H

#define OBS__DEFINITION_SCHEMA                                                                                                 \
    "CREATE TABLE IF NOT EXISTS definition("                                                                                   \
    " name TEXT NOT NULL, version INTEGER NOT NULL, time_ns INTEGER NOT NULL, sha256 BLOB NOT NULL, schema BLOB NOT NULL,"     \
    " PRIMARY KEY(name, version)) STRICT, WITHOUT ROWID;"                                                                      \
    "CREATE TABLE IF NOT EXISTS record("                                                                                       \
    " id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, definition TEXT NOT NULL, version INTEGER NOT NULL,"                   \
    " time_ns INTEGER NOT NULL, data BLOB NOT NULL, sha256 BLOB NOT NULL, crc INTEGER NOT NULL) STRICT;"

#endif
