/* SQLite as a customer of the harness: scripts over every larger part of it and calls of its interface, each in a fresh
 * library with a database in memory or in a file, and any bytes as SQL. Where memory ends it must answer SQLITE_NOMEM.
 * What SQLite itself declares harmless to fail, it tells through its hooks: these are our benign windows. */
#include "harness/harness.h"

#define SQLITE_ENABLE_SESSION        1 /* as Debian builds it */
#define SQLITE_ENABLE_PREUPDATE_HOOK 1
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before each body: SQLite as it is in a new process. */
static void begin(void) {
    (void)sqlite3_shutdown();
    (void)sqlite3_test_control(SQLITE_TESTCTRL_BENIGN_MALLOC_HOOKS, cupel_benign_begin, cupel_benign_end);
}

/* A database, and the same random numbers in each run. */
static int open_fresh(const char *path, sqlite3 **database) {
    int status = sqlite3_open_v2(path, database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, NULL);
    if (status == SQLITE_OK) {
        (void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, NULL);
    }
    return status;
}

/* A statement's rows, columns joined by '|' and rows by '/'; the last statement's stay. */
static int run_statement(sqlite3_stmt *statement, char *text, size_t size) {
    size_t length = 0;
    int status;
    while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
        int columns = sqlite3_column_count(statement);
        for (int i = 0; i < columns; i++) {
            const unsigned char *value = sqlite3_column_text(statement, i);
            if (value == NULL && sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM) {
                return SQLITE_NOMEM;
            }
            int used = snprintf(text + length, size - length, "%s%s",
                                i > 0        ? "|"
                                : length > 0 ? "/"
                                             : "",
                                value == NULL ? "" : (const char *)value);
            length = length + (size_t)used < size ? length + (size_t)used : size - 1;
        }
    }
    return status;
}

/* Runs all statements of a script; SQLITE_OK, or the first other answer. */
static int run_script(sqlite3 *database, const char *script, char *text, size_t size) {
    int status = SQLITE_OK;
    const char *at = script;
    while (status == SQLITE_OK && *at != '\0') {
        sqlite3_stmt *statement = NULL;
        status = sqlite3_prepare_v2(database, at, -1, &statement, &at);
        if (status == SQLITE_OK && statement != NULL) {
            text[0] = '\0';
            status = run_statement(statement, text, size);
            int last = sqlite3_finalize(statement);
            status = status == SQLITE_DONE ? SQLITE_OK : status == SQLITE_NOMEM ? status : last;
        }
    }
    return status;
}

/* SQLITE_IOERR_NOMEM is SQLITE_NOMEM of a file. */
static bool is_starved(int status) {
    return status == SQLITE_NOMEM || status == SQLITE_IOERR_NOMEM;
}

struct script {
    const char *name;
    const char *file; /* NULL: in memory */
    const char *text;
    const char *expected; /* the last statement's rows */
};

static const struct script scripts[] = {
    {"rows", NULL,
     "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x' COLLATE NOCASE, price REAL CHECK(price >= "
     "0),"
     " data BLOB, UNIQUE(name, price));"
     "CREATE INDEX by_price ON t(price DESC) WHERE price > 1; CREATE INDEX by_lower ON t(lower(name));"
     "INSERT INTO t(name, price, data) VALUES('one', 1.5, x'00ff'), ('two', 2.5, zeroblob(3000)), ('three', 3.5, "
     "'text');"
     "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 60)"
     " INSERT INTO t(name, price) SELECT 'row ' || i, i FROM c;"
     "INSERT INTO t(name, price) VALUES('one', 1.5) ON CONFLICT(name, price) DO UPDATE SET data = excluded.name;"
     "UPDATE t SET price = price * 2, data = 'long' || hex(randomblob(100)) WHERE id % 2; "
     "DELETE FROM t WHERE price BETWEEN 20 AND 40 OR name LIKE 'row 5%' ESCAPE '\\' OR name GLOB 'r*9';"
     "REPLACE INTO t(id, name, price) VALUES(1, 'new', 7) RETURNING id, upper(name);"
     "SELECT count(*), sum(price), min(name), max(id), group_concat(DISTINCT length(name)) FROM t;",
     "33|1399.5|new|63|3,5,6"},
    {"queries", NULL,
     "CREATE TABLE a(x, y); CREATE TABLE b(y, z); CREATE VIEW v AS SELECT a.x, b.z FROM a JOIN b USING(y);"
     "INSERT INTO a VALUES(1, 1), (2, 2), (3, 3), (4, NULL); INSERT INTO b VALUES(1, 'p'), (2, 'q'), (2, 'r'), (9, "
     "'s');"
     "SELECT * FROM a LEFT JOIN b ON a.y = b.y WHERE x IN (SELECT x FROM v) ORDER BY z DESC, 1 LIMIT 3 OFFSET 1;"
     "SELECT x, (SELECT count(*) FROM b WHERE b.y = a.y) AS n FROM a GROUP BY x HAVING n > 0 ORDER BY n COLLATE NOCASE;"
     "SELECT y FROM a UNION SELECT y FROM b EXCEPT SELECT 9 INTERSECT SELECT y FROM a ORDER BY 1;"
     "SELECT DISTINCT y FROM (SELECT * FROM a NATURAL JOIN b) WHERE EXISTS (SELECT 1 FROM v) AND (x, y) = (2, 2);"
     "WITH w(n) AS (SELECT x FROM a WHERE x BETWEEN 1 AND 3), u AS MATERIALIZED (SELECT n * 2 AS d FROM w)"
     " SELECT CASE WHEN n > 1 THEN d ELSE -d END FROM w, u WHERE n < d OR n IN (1, 2, 3, 4, 5) ORDER BY 1;"
     "SELECT a.x FROM a, b b1, b b2, b b3 WHERE a.y = b1.y AND b1.y = b2.y AND b2.y = b3.y OR a.x = 4 AND b1.y > 8;"
     "SELECT x, sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), rank() OVER w, lag(x, 1, 0) OVER w,"
     " ntile(2) OVER w, first_value(y) OVER w, nth_value(x, 2) OVER (PARTITION BY y ORDER BY x GROUPS 1 PRECEDING"
     " EXCLUDE TIES), group_concat(x, '-') FILTER (WHERE x > 1) OVER w FROM a WINDOW w AS (PARTITION BY x % 2 ORDER BY "
     "x);",
     "1|1|1|0|1|1||/2|3|1|0|1|2||2/3|5|2|1|2|1||3/4|7|2|2|2|2||2-4"},
    {"foreign keys", NULL,
     "PRAGMA foreign_keys = ON;"
     "CREATE TABLE parent(id INTEGER PRIMARY KEY AUTOINCREMENT, n, g AS (n * 2) STORED, h AS (n || 'v') VIRTUAL);"
     "CREATE TABLE child(p REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED, "
     "c);"
     "CREATE INDEX parents ON child(p); INSERT INTO parent(n) VALUES(1), (2), (3); INSERT INTO child VALUES(1, 'a'), "
     "(2, 'b');"
     "UPDATE parent SET id = 20 WHERE n = 2; DELETE FROM parent WHERE n = 1;"
     "SELECT group_concat(id || n || g || h), (SELECT group_concat(c) FROM child WHERE p IS NULL) FROM parent;",
     "3363v,20242v|b"},
    {"triggers", NULL,
     "PRAGMA recursive_triggers = 1; CREATE TABLE parent(id INTEGER PRIMARY KEY, n); CREATE TABLE child(p, c);"
     "CREATE TABLE log(what TEXT, PRIMARY KEY(what)) WITHOUT ROWID, STRICT;"
     "CREATE TRIGGER added AFTER INSERT ON child BEGIN INSERT OR IGNORE INTO log VALUES('added ' || NEW.c);"
     " SELECT CASE WHEN NEW.c = 'bad' THEN RAISE(IGNORE) END; END;"
     "CREATE TRIGGER gone BEFORE DELETE ON child WHEN OLD.c > '' BEGIN UPDATE log SET what = what || '!'; END;"
     "CREATE VIEW both AS SELECT n, c FROM parent JOIN child ON p = id;"
     "CREATE TRIGGER through INSTEAD OF INSERT ON both BEGIN INSERT INTO parent(n) VALUES(NEW.n);"
     " INSERT INTO child VALUES(last_insert_rowid(), NEW.c); END;"
     "INSERT INTO both VALUES(1, 'a'), (2, 'bad'); DELETE FROM child WHERE c = 'a'; DROP VIEW both;"
     "SELECT group_concat(what) FROM log;",
     "added a!,added bad!"},
    {"changed tables", NULL,
     "CREATE TABLE t(a, b, c CHECK(c <> a)); CREATE INDEX i ON t(b, c); INSERT INTO t VALUES(1, 2, 3);"
     "ALTER TABLE t RENAME TO u; ALTER TABLE u ADD COLUMN d TEXT DEFAULT 'd'; ALTER TABLE u ADD COLUMN e;"
     "ALTER TABLE u DROP COLUMN e; DROP INDEX i; REINDEX; SELECT group_concat(sql, ';') FROM sqlite_schema;",
     "CREATE TABLE \"u\"(a, b, c CHECK(c <> a), d TEXT DEFAULT 'd')"},
    {"changed names", NULL,
     "CREATE TABLE t(a, b REFERENCES t(a)); CREATE VIEW v AS SELECT b FROM t WHERE a > 1; CREATE INDEX i ON t(b) WHERE "
     "b > 1;"
     "CREATE TRIGGER r AFTER UPDATE OF b ON t BEGIN DELETE FROM t WHERE a = NEW.b; END;"
     "ALTER TABLE t RENAME COLUMN b TO bb; DROP TRIGGER r; DROP VIEW v; DROP INDEX i; SELECT sql FROM sqlite_schema;",
     "CREATE TABLE t(a, bb REFERENCES t(a))"},
    {"temporary tables", NULL,
     "CREATE TABLE t(a, b); CREATE TRIGGER r AFTER UPDATE OF b ON t BEGIN DELETE FROM t WHERE a = NEW.b; END;"
     "INSERT INTO t VALUES(1, 2), (2, 3); ALTER TABLE t RENAME TO u; CREATE TEMP TABLE s AS SELECT * FROM u;"
     "CREATE TEMP TRIGGER q AFTER DELETE ON main.u BEGIN INSERT INTO s SELECT * FROM u; END; UPDATE u SET b = 2 WHERE "
     "a "
     "= 1;"
     "SELECT group_concat(a || b) FROM s; DROP TABLE u; SELECT count(*) FROM s;",
     "3"},
    {"transactions", NULL,
     "PRAGMA temp_store = 2; CREATE TABLE t(a UNIQUE); BEGIN; INSERT INTO t VALUES(1); SAVEPOINT one;"
     "INSERT INTO t VALUES(2); SAVEPOINT two; INSERT INTO t SELECT a + 100 FROM t; ROLLBACK TO one; RELEASE one; "
     "COMMIT;"
     "INSERT OR ROLLBACK INTO t VALUES(3); BEGIN IMMEDIATE; UPDATE OR REPLACE t SET a = 9; ROLLBACK;"
     "ANALYZE; PRAGMA optimize; VACUUM; SELECT group_concat(a) FROM t;",
     "1,3"},
    {"a file", "test.db",
     "PRAGMA synchronous = OFF; PRAGMA page_size = 512; PRAGMA auto_vacuum = 2; PRAGMA journal_mode = DELETE; PRAGMA "
     "cache_size = 5;"
     "CREATE TABLE t(a, b); BEGIN; WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 40)"
     " INSERT INTO t SELECT i, zeroblob(400) FROM c; COMMIT; DELETE FROM t WHERE a > 10; PRAGMA incremental_vacuum(5);"
     "ATTACH ':memory:' AS other; CREATE TABLE other.t AS SELECT * FROM main.t; BEGIN; UPDATE t SET b = 1;"
     "UPDATE other.t SET b = 2; COMMIT; DETACH other; PRAGMA integrity_check; PRAGMA journal_mode = PERSIST;"
     "INSERT INTO t VALUES(0, 0); VACUUM; SELECT count(*), sum(b) FROM t;",
     "11|10"},
    {"a log ahead", "test.db",
     "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1), (2); PRAGMA "
     "wal_checkpoint(TRUNCATE);"
     "BEGIN; INSERT INTO t SELECT a FROM t; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; COMMIT; SELECT count(*) FROM t;",
     "4"},
    {"pragmas", NULL,
     "CREATE TABLE t(a PRIMARY KEY, b REFERENCES t); CREATE INDEX i ON t(b DESC, a COLLATE RTRIM); PRAGMA "
     "table_xinfo(t);"
     "PRAGMA index_list(t); PRAGMA index_xinfo(i); PRAGMA foreign_key_list(t); PRAGMA foreign_key_check;"
     "PRAGMA database_list; PRAGMA collation_list; PRAGMA function_list; PRAGMA pragma_list; PRAGMA module_list;"
     "PRAGMA compile_options; PRAGMA quick_check; PRAGMA encoding; PRAGMA user_version = 3; PRAGMA table_list;"
     "PRAGMA data_version; PRAGMA temp_store_directory = ''; PRAGMA secure_delete = 1; PRAGMA stats;"
     "EXPLAIN SELECT * FROM t WHERE a = 1; EXPLAIN QUERY PLAN SELECT * FROM t ORDER BY b;"
     "SELECT name FROM pragma_table_info('t') WHERE pk; SELECT * FROM pragma_user_version;",
     "3"},
    {"functions", NULL,
     "SELECT printf('%d %5.2f %s %q %Q %w %c %x %,d %e %g %z', 1, 2.5, 'three', 'it''s', NULL, 'a\"b', 'c', 255, "
     "1234567, 1e9,"
     " 0.1, 0), substr('hello', 2, 3), replace('aaa', 'a', 'bc'), trim('  x '), instr('abc', 'c'), quote(x'01'),"
     " hex('a'), unicode('a'), char(97, 8364), typeof(1), coalesce(NULL, 2), abs(-3), round(2.567, 1), "
     "soundex('robert'),"
     " nullif(1, 1), likely(1), iif(1, 'y', 'n'), ltrim('xxa', 'x'), upper('abc'), lower('ABC'), cast('12' AS INTEGER),"
     " strftime('%Y-%m-%d %H:%M:%f %j %J %s %w %W', '2020-02-29 12:34:56.789'), date('2020-01-31', '+1 month', "
     "'weekday 0'),"
     " time(0.5), julianday('2000-01-01'), datetime(0, 'unixepoch', 'localtime') IS NOT NULL, unixepoch('1970-01-02'),"
     " max(1, 2, 'x'), min(3, 1), sqrt(4), pow(2, 10), log(100), total_changes(), sqlite_source_id() IS NOT NULL,"
     " json_extract('{\"a\":[1,{\"b\":2}]}', '$.a[1].b', '$.a');",
     NULL},
    {"json", NULL,
     "CREATE TABLE t(j); INSERT INTO t VALUES('{\"a\":[1,2,{\"b\":\"x\\u20ac\"}],\"c\":null,\"d\":1.5}'), "
     "('[1,[2,[3]],{}]');"
     "UPDATE t SET j = json_set(j, '$.new', json('[1]'), '$.a[1]', 'two') WHERE rowid = 1; SELECT json_remove(j, "
     "'$.c') FROM t;"
     "SELECT json_patch(j, '{\"c\":1,\"d\":null,\"e\":{\"f\":2}}'), json_insert(j, '$[#]', 4), json_replace(j, '$[0]', "
     "0) FROM t;"
     "SELECT json_group_array(value), json_group_object(coalesce(key, 'k'), type) FROM t, json_each(j);"
     "SELECT json_quote('a\"b'), json_array(1, 'two', NULL), json_object('k', json_array()), json_valid('{'), "
     "json_type('[]'),"
     " json_array_length('[1,2]'), '{\"x\":{\"y\":3}}' -> 'x' ->> '$.y', json('  [ 1 ] ');"
     "SELECT group_concat(fullkey), json_valid('[1]') FROM t, json_tree(t.j) WHERE t.rowid = 2;",
     "$,$[0],$[1],$[1][0],$[1][1],$[1][1][0],$[2]|1"},
    {"full text 5", NULL,
     "CREATE VIRTUAL TABLE f USING fts5(title, body, tokenize = 'porter unicode61 remove_diacritics 1', prefix = '2 "
     "3');"
     "INSERT INTO f VALUES('The first', 'some running words and more words'), ('Second', 'other words run faster'),"
     " ('Third', 'n\xc3\xa9"
     "e runs');"
     "SELECT rowid FROM f WHERE f MATCH 'title:first OR \"other words\" OR NEAR(some more, 5) NOT third';"
     "SELECT highlight(f, 1, '[', ']'), snippet(f, 1, '<', '>', '...', 3), bm25(f) < 0 FROM f WHERE f MATCH 'run* AND "
     "words' ORDER BY rank;",
     "other [words] [run] faster|other <words> <run>...|1/some [running] [words] and more [words]|some <running> "
     "<words>...|1"},
    {"full text 5 changed", NULL,
     "CREATE VIRTUAL TABLE f USING fts5(title, body, prefix = 2); INSERT INTO f VALUES('one', 'words'), ('two', "
     "'runs');"
     "UPDATE f SET body = 'changed words' WHERE rowid = 2; DELETE FROM f WHERE rowid = 1;"
     "INSERT INTO f(f) VALUES('optimize'); INSERT INTO f(f, rank) VALUES('merge', 4);"
     "SELECT group_concat(rowid) FROM f('chang*');",
     "2"},
    {"full text 5 rebuilt", NULL,
     "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES('some words'), ('nothing'); INSERT INTO f(f) "
     "VALUES('rebuild');"
     "INSERT INTO f(f) VALUES('integrity-check'); SELECT group_concat(rowid) FROM f('word*');",
     "1"},
    {"full text 5 renamed", NULL,
     "CREATE VIRTUAL TABLE f USING fts5(a, content = '', columnsize = 0); INSERT INTO f(rowid, a) VALUES(7, 'word');"
     "ALTER TABLE f RENAME TO g; SELECT rowid FROM g('word');",
     "7"},
    {"full text 5 listed", NULL,
     "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES('some words'), ('more words');"
     "CREATE VIRTUAL TABLE v USING fts5vocab(f, 'row'); CREATE VIRTUAL TABLE vi USING fts5vocab(f, 'instance');"
     "SELECT term, doc FROM v; SELECT count(*) FROM vi;",
     "4"},
    {"full text 4", NULL,
     "CREATE VIRTUAL TABLE f USING fts4(a, b, tokenize=porter, prefix=\"1,2\", order=desc, notindexed=b);"
     "INSERT INTO f VALUES('one two three', 'x'), ('two three four', 'y'), ('three four five', 'z');"
     "SELECT snippet(f, '[', ']', '..', -1, 4), offsets(f), matchinfo(f, 'pcnalx') FROM f WHERE f MATCH 'two NEAR/2 "
     "four OR thr*';"
     "SELECT docid FROM f WHERE f MATCH '\"four five\" NOT six';",
     "3"},
    {"full text 4 changed", NULL,
     "CREATE VIRTUAL TABLE f USING fts4(a, prefix=\"1\"); INSERT INTO f VALUES('one two'), ('two three'), ('four');"
     "DELETE FROM f WHERE docid = 1; UPDATE f SET a = 'six seven' WHERE docid = 2; INSERT INTO f(f) VALUES('optimize');"
     "INSERT INTO f(f) VALUES('merge=8,4'); SELECT group_concat(docid) FROM f WHERE f MATCH 's* OR four';",
     "2,3"},
    {"full text 4 rebuilt", NULL,
     "CREATE VIRTUAL TABLE f USING fts4(a, b, prefix=\"1,2\"); INSERT INTO f VALUES('one two', 'x'), ('two three', "
     "'y');"
     "INSERT INTO f(f) VALUES('rebuild'); INSERT INTO f(f) VALUES('integrity-check');"
     "SELECT group_concat(docid) FROM f WHERE f MATCH 'b:y OR one';",
     "1,2"},
    {"full text 4 listed", NULL,
     "CREATE VIRTUAL TABLE f USING fts4(a); INSERT INTO f VALUES('one two'), ('two three');"
     "CREATE VIRTUAL TABLE x USING fts4aux(f); SELECT count(*) FROM x; CREATE VIRTUAL TABLE k USING "
     "fts3tokenize('simple', 'a');"
     "SELECT group_concat(token) FROM k WHERE input = 'Hello World'; CREATE VIRTUAL TABLE e USING fts4(content=\"\", "
     "c);"
     "INSERT INTO e(docid, c) VALUES(1, 'nothing kept'); SELECT docid FROM e WHERE e MATCH 'kept';",
     "1"},
    {"rectangles", NULL,
     "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1, +label TEXT);"
     "WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 60)"
     " INSERT INTO r SELECT i, i, i + 1.5, -i, i, 'label ' || i FROM c; SELECT count(*) FROM r WHERE x0 < 10 AND y1 > "
     "5;"
     "DELETE FROM r WHERE id % 3 = 0; UPDATE r SET x1 = 500 WHERE id = 2; SELECT id, label FROM r WHERE x1 > 400;",
     "2|label 2"},
    {"rectangles checked", NULL,
     "CREATE VIRTUAL TABLE n USING rtree_i32(id, a, b); INSERT INTO n VALUES(1, 2, 3), (2, 3, 4); SELECT "
     "rtreecheck('n');"
     "SELECT group_concat(id) FROM n WHERE a > 2; DROP TABLE n; SELECT count(*) FROM sqlite_schema;",
     "0"},
    {"pages", NULL,
     "CREATE TABLE t(a, b); INSERT INTO t VALUES(1, zeroblob(9000)); CREATE INDEX i ON t(b);"
     "SELECT sum(pgsize) > 9000 FROM dbstat; SELECT name, sum(payload) FROM dbstat('main', 1) GROUP BY 1;"
     "SELECT count(*) FROM sqlite_stmt;",
     NULL},
};

/* Opens, runs, closes, and forgets the library: what stays is a leak. */
static int run_fresh(const struct script *script, char *text, size_t size) {
    char path[4096] = ":memory:";
    if (script->file != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", test_directory(), script->file);
        (void)remove(path);
    }
    sqlite3 *database = NULL;
    int status = open_fresh(path, &database);
    if (status == SQLITE_OK) {
        status = run_script(database, script->text, text, size);
    }
    int last = sqlite3_close(database);
    (void)sqlite3_shutdown();
    return status != SQLITE_OK ? status : last;
}

TEST(sqlite3, runs_scripts, .tags = "customer", TABLE(scripts), .setup = begin) {
    const struct script *script = test_row();
    static char text[8192];
    int status = run_fresh(script, text, sizeof text);
    STARVED(is_starved(status));
    CHECK_STR_EQ(sqlite3_errstr(status), sqlite3_errstr(SQLITE_OK));
    if (script->expected != NULL) {
        CHECK_STR_EQ(text, script->expected);
    }
}

/* A function, an aggregate and a collation of ours; a list of callbacks that SQLite calls. */
static void add_one(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    void *kept = sqlite3_malloc(8);
    sqlite3_value *copy = sqlite3_value_dup(values[0]);
    if (kept != NULL) {
        sqlite3_set_auxdata(context, 0, kept, sqlite3_free); /* which may let go of it at once */
    }
    if (copy == NULL || kept == NULL) {
        sqlite3_value_free(copy);
        sqlite3_result_error_nomem(context);
        return;
    }
    sqlite3_result_int64(context, 1 + sqlite3_value_int64(copy));
    sqlite3_value_free(copy);
}

static void gather(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    int *sum = sqlite3_aggregate_context(context, sizeof *sum);
    if (sum != NULL) {
        *sum += sqlite3_value_int(values[0]);
    }
}

static void gathered(sqlite3_context *context) {
    int *sum = sqlite3_aggregate_context(context, sizeof *sum);
    if (sum == NULL) {
        sqlite3_result_error_nomem(context);
    } else {
        sqlite3_result_int(context, *sum);
    }
}

static int compare(void *user, int left_length, const void *left, int right_length, const void *right) {
    (void)user;
    int order = memcmp(left, right, (size_t)(left_length < right_length ? left_length : right_length));
    return order != 0 ? -order : right_length - left_length;
}

static int count_row(void *user, int columns, char **values, char **names) {
    (void)values;
    (void)names;
    *(int *)user += columns;
    return 0;
}

static int define(sqlite3 *database) {
    int status = sqlite3_create_function_v2(database, "add_one", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, add_one,
                                            NULL, NULL, NULL);
    if (status == SQLITE_OK) {
        status = sqlite3_create_function(database, "gather", 1, SQLITE_UTF16, NULL, NULL, gather, gathered);
    }
    return status == SQLITE_OK ? sqlite3_create_collation_v2(database, "backwards", SQLITE_UTF8, NULL, compare, NULL)
                               : status;
}

static int execute(sqlite3 *database, int *columns) {
    char *message = NULL;
    int status = sqlite3_exec(database,
                              "CREATE TABLE t(a TEXT COLLATE backwards, b); CREATE INDEX i ON t(a);"
                              "INSERT INTO t VALUES('x', 1), ('y', 2), ('z', 3);"
                              "SELECT a, add_one(b) FROM t ORDER BY a; SELECT gather(b) FROM t GROUP BY a > 'x';",
                              count_row, columns, &message);
    sqlite3_free(message);
    return status;
}

/* Rows as a table of strings, as UTF-16 text, and as what a statement expands to. */
static int read_back(sqlite3 *database) {
    char **rows = NULL;
    char *message = NULL;
    int row_count = 0;
    int columns = 0;
    int status = sqlite3_get_table(database, "SELECT * FROM t", &rows, &row_count, &columns, &message);
    sqlite3_free_table(rows);
    sqlite3_free(message);
    sqlite3_stmt *statement = NULL;
    if (status == SQLITE_OK) {
        status = sqlite3_prepare_v3(database, "SELECT ?1 || ?2, :b, @c, $d FROM t", -1, SQLITE_PREPARE_PERSISTENT,
                                    &statement, NULL);
    }
    static const char wide[] = "w\0i\0d\0e\0";
    if (status == SQLITE_OK && (status = sqlite3_bind_text(statement, 1, "text", -1, SQLITE_TRANSIENT)) == SQLITE_OK &&
        (status = sqlite3_bind_text16(statement, 2, wide, 8, SQLITE_TRANSIENT)) == SQLITE_OK &&
        (status = sqlite3_bind_blob(statement, 3, "blob", 4, SQLITE_TRANSIENT)) == SQLITE_OK &&
        (status = sqlite3_bind_double(statement, 4, 0.5)) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        status = sqlite3_column_text16(statement, 0) == NULL ? SQLITE_NOMEM : SQLITE_OK;
        char *expanded = status == SQLITE_OK ? sqlite3_expanded_sql(statement) : NULL;
        status = expanded == NULL ? SQLITE_NOMEM : SQLITE_OK;
        sqlite3_free(expanded);
    }
    int last = sqlite3_finalize(statement);
    return status == SQLITE_OK ? last : status;
}

/* Copies a database by backup and by serialising it, and reads and writes a blob in place. */
static int copy(sqlite3 *database) {
    sqlite3 *other = NULL;
    sqlite3_blob *blob = NULL;
    int status = sqlite3_open16(u":memory:", &other);
    if (status == SQLITE_OK) { /* so that an error of a file says whether memory ended */
        status = sqlite3_extended_result_codes(other, 1);
    }
    status = status == SQLITE_OK ? define(other) : status;
    sqlite3_backup *backup = status == SQLITE_OK ? sqlite3_backup_init(other, "main", database, "main") : NULL;
    if (backup != NULL) {
        status = sqlite3_backup_step(backup, -1);
        int last = sqlite3_backup_finish(backup);
        status = status == SQLITE_DONE ? last : status;
    } else {
        status = sqlite3_errcode(other);
    }
    sqlite3_int64 size = 0;
    unsigned char *image = status == SQLITE_OK ? sqlite3_serialize(database, "main", &size, 0) : NULL;
    status = status == SQLITE_OK && image == NULL ? SQLITE_NOMEM : status;
    if (image != NULL) { /* which takes the image */
        status = sqlite3_deserialize(other, "main", image, size, size,
                                     SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    }
    status = status == SQLITE_OK ? sqlite3_exec(other, "INSERT INTO t VALUES('blob', zeroblob(5000))", NULL, NULL, NULL)
                                 : status;
    status = status == SQLITE_OK
                 ? sqlite3_blob_open(other, "main", "t", "b", sqlite3_last_insert_rowid(other), 1, &blob)
                 : status;
    status = status == SQLITE_OK ? sqlite3_blob_write(blob, "written", 7, 4500) : status;
    int closed = sqlite3_blob_close(blob); /* which commits */
    status = status == SQLITE_OK ? closed : status;
    (void)sqlite3_close_v2(other);
    return status;
}

TEST(sqlite3, calls_its_interface, .tags = "customer", .setup = begin) {
    sqlite3 *database = NULL;
    int columns = 0;
    int status = open_fresh("file:memory?mode=memory", &database);
    if (status == SQLITE_OK && (status = define(database)) == SQLITE_OK &&
        (status = execute(database, &columns)) == SQLITE_OK && (status = read_back(database)) == SQLITE_OK) {
        status = copy(database);
    }
    (void)sqlite3_close(database);
    (void)sqlite3_shutdown();
    STARVED(is_starved(status));
    CHECK_STR_EQ(sqlite3_errstr(status), sqlite3_errstr(SQLITE_OK));
    CHECK_INT_EQ(columns, 7);
}

static int keep_going(void *user, int conflict, sqlite3_changeset_iter *iterator) {
    (void)user;
    (void)iterator;
    return conflict == SQLITE_CHANGESET_DATA || conflict == SQLITE_CHANGESET_CONFLICT ? SQLITE_CHANGESET_REPLACE
                                                                                      : SQLITE_CHANGESET_OMIT;
}

/* Changes recorded, inverted, joined with themselves and applied again. */
static int record(sqlite3 *database, void **changes, int *size) {
    sqlite3_session *session = NULL;
    int status = sqlite3session_create(database, "main", &session);
    if (status == SQLITE_OK && (status = sqlite3session_attach(session, NULL)) == SQLITE_OK &&
        (status = sqlite3_exec(database,
                               "INSERT INTO t VALUES(4, 'four'), (5, zeroblob(900)); UPDATE t SET b = 'new' WHERE a = "
                               "1; DELETE FROM t WHERE a = 2",
                               NULL, NULL, NULL)) == SQLITE_OK) {
        status = sqlite3session_changeset(session, size, changes);
    }
    if (session != NULL) {
        sqlite3session_delete(session);
    }
    return status;
}

static int replay(sqlite3 *database, void *changes, int size) {
    void *inverse = NULL;
    void *both = NULL;
    int inverse_size = 0;
    int both_size = 0;
    int status = sqlite3changeset_invert(size, changes, &inverse_size, &inverse);
    if (status == SQLITE_OK &&
        (status = sqlite3changeset_apply(database, inverse_size, inverse, NULL, keep_going, NULL)) == SQLITE_OK &&
        (status = sqlite3changeset_apply(database, size, changes, NULL, keep_going, NULL)) == SQLITE_OK &&
        (status = sqlite3changeset_apply(database, size, changes, NULL, keep_going, NULL)) == SQLITE_OK) {
        status = sqlite3changeset_concat(size, changes, inverse_size, inverse, &both_size, &both);
    }
    sqlite3_free(inverse);
    sqlite3_free(both);
    return status;
}

TEST(sqlite3, records_changes, .tags = "customer", .setup = begin) {
    sqlite3 *database = NULL;
    void *changes = NULL;
    int size = 0;
    int status = open_fresh(":memory:", &database);
    if (status == SQLITE_OK &&
        (status = sqlite3_exec(database,
                               "CREATE TABLE t(a PRIMARY KEY, b); INSERT INTO t VALUES(1, 'one'), (2, 'two'), (3, 3.5)",
                               NULL, NULL, NULL)) == SQLITE_OK &&
        (status = record(database, &changes, &size)) == SQLITE_OK) {
        status = replay(database, changes, size);
    }
    sqlite3_free(changes);
    (void)sqlite3_close(database);
    (void)sqlite3_shutdown();
    STARVED(is_starved(status));
    CHECK_STR_EQ(sqlite3_errstr(status), sqlite3_errstr(SQLITE_OK));
    CHECK_INT_GT(size, 0);
}

static int stop(void *user) {
    unsigned *left = user;
    return *left == 0 || --*left == 0;
}

/* Any bytes as SQL: nothing worse than an error, and all memory comes back. */
PROPERTY(sqlite3, any_sql, .tags = "customer", .longest = 512, .dictionary = "sqlite3.dict") {
    struct cupel_view input = cupel_draw_rest(bytes, "script");
    begin();
    static char script[4096];
    static char text[8192];
    size_t length = input.length < sizeof script ? input.length : sizeof script - 1;
    for (size_t i = 0; i < length; i++) {
        script[i] = (char)(input.data[i] == 0 ? ' ' : input.data[i]);
    }
    script[length] = '\0';
    unsigned steps_left = 200; /* of a thousand instructions */
    sqlite3 *database = NULL;
    int status = open_fresh(":memory:", &database);
    if (status == SQLITE_OK) {
        (void)sqlite3_limit(database, SQLITE_LIMIT_LENGTH, 100000);
        (void)sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
        (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_progress_handler(database, 1000, stop, &steps_left);
        status = run_script(database, script, text, sizeof text);
    }
    int last = sqlite3_close(database);
    (void)sqlite3_shutdown();
    STARVED(is_starved(status));
    CHECK_INT_EQ(last, SQLITE_OK);
}
