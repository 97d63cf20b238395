/* zlib as a customer of the harness: every way to compress and to expand, compressed files, and any bytes both as data
 * to compress and as a compressed stream. */
#include "harness/harness.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { LENGTH = 20000 };

/* Text that compresses, but not to nothing. */
static void fill(unsigned char *data, size_t length) {
    uint32_t state = 1;
    for (size_t i = 0; i < length; i++) {
        state = state * 1103515245 + 12345;
        data[i] = (unsigned char)("etaoin shrdlu\n"[(state >> 16) % 14]);
    }
}

TEST(zlib, compresses_and_expands, .tags = "customer") {
    static unsigned char data[LENGTH];
    static unsigned char packed[LENGTH];
    static unsigned char back[LENGTH];
    fill(data, sizeof data);
    uLongf packed_length = sizeof packed;
    uLongf length = sizeof back;
    int status = compress2(packed, &packed_length, data, sizeof data, 9);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    status = uncompress(back, &length, packed, packed_length);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    CHECK_UINT_EQ(length, sizeof data);
    CHECK_MEM_EQ(back, data, sizeof data);
}

/* Deflates in small pieces, half of it by a copy of the stream. */
static int deflate_pieces(z_stream *stream, const unsigned char *data, size_t length, unsigned char *to, size_t room) {
    z_stream copy = {.zalloc = Z_NULL};
    stream->next_in = (Bytef *)(uintptr_t)data;
    stream->avail_in = (uInt)length / 2;
    stream->next_out = to;
    stream->avail_out = (uInt)room;
    int status = deflate(stream, Z_SYNC_FLUSH);
    if (status != Z_OK || (status = deflateCopy(&copy, stream)) != Z_OK) {
        return status;
    }
    copy.avail_in = (uInt)(length - length / 2);
    status = deflate(&copy, Z_FINISH);
    stream->total_out = copy.total_out;
    (void)deflateEnd(&copy);
    return status == Z_STREAM_END ? Z_OK : status;
}

/* The same for inflate. */
static int inflate_pieces(z_stream *stream, const unsigned char *packed, size_t length, unsigned char *to,
                          size_t room) {
    z_stream copy = {.zalloc = Z_NULL};
    stream->next_in = (Bytef *)(uintptr_t)packed;
    stream->avail_in = (uInt)length / 2;
    stream->next_out = to;
    stream->avail_out = (uInt)room;
    int status = inflate(stream, Z_NO_FLUSH);
    if (status != Z_OK || (status = inflateCopy(&copy, stream)) != Z_OK) {
        return status;
    }
    copy.avail_in += (uInt)(length - length / 2);
    status = inflate(&copy, Z_FINISH);
    stream->total_out = copy.total_out;
    (void)inflateEnd(&copy);
    return status == Z_STREAM_END ? Z_OK : status;
}

TEST(zlib, copies_streams_on_the_way, .tags = "customer") {
    static unsigned char data[LENGTH];
    static unsigned char packed[2 * LENGTH];
    static unsigned char back[LENGTH];
    fill(data, sizeof data);
    z_stream out = {.zalloc = Z_NULL};
    int status = deflateInit2(&out, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    status = deflate_pieces(&out, data, sizeof data, packed, sizeof packed);
    size_t length = out.total_out;
    (void)deflateEnd(&out);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    z_stream in = {.zalloc = Z_NULL};
    status = inflateInit2(&in, 15 + 32);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    status = inflate_pieces(&in, packed, length, back, sizeof back);
    length = in.total_out;
    (void)inflateEnd(&in);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    CHECK_UINT_EQ(length, sizeof data);
    CHECK_MEM_EQ(back, data, sizeof data);
}

static unsigned give(void *user, unsigned char **data) {
    z_stream *source = user;
    *data = source->next_in;
    return source->avail_in;
}

static int take(void *user, unsigned char *data, unsigned length) {
    size_t *total = user;
    (void)data;
    *total += length;
    return 0;
}

TEST(zlib, expands_through_callbacks, .tags = "customer") {
    static unsigned char data[LENGTH];
    static unsigned char packed[LENGTH];
    static unsigned char window[32768];
    fill(data, sizeof data);
    z_stream out = {.next_in = data, .avail_in = sizeof data, .next_out = packed, .avail_out = sizeof packed};
    int status = deflateInit2(&out, 1, Z_DEFLATED, -15, 1, Z_FILTERED);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    status = deflateSetDictionary(&out, (const Bytef *)"shrdlu", 6);
    status = status == Z_OK ? deflate(&out, Z_FINISH) : status;
    (void)deflateEnd(&out);
    REQUIRE_INT_EQ(status, Z_STREAM_END);
    z_stream in = {.zalloc = Z_NULL};
    z_stream source = {.next_in = packed, .avail_in = (uInt)out.total_out};
    size_t total = 0;
    memcpy(window + sizeof window - 6, "shrdlu", 6); /* NOLINT(bugprone-not-null-terminated-result): bytes, no text */
    status = inflateBackInit(&in, 15, window);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    (void)inflateBack(&in, give, &source, take, &total);
    (void)inflateBackEnd(&in);
    CHECK_UINT_GT(total, 0);
}

/* gzopen says nothing of why it failed, but errno is 0 or ENOMEM where it was for want of memory. */
static bool write_file(const char *path, const unsigned char *data, size_t length) {
    gzFile file = gzopen(path, "wb9");
    if (file == NULL) {
        return false;
    }
    bool is_whole = gzbuffer(file, 4096) == 0 && gzwrite(file, data, (unsigned)(length / 2)) == (int)(length / 2) &&
                    gzsetparams(file, 1, Z_HUFFMAN_ONLY) == Z_OK &&
                    gzfwrite(data + length / 2, 1, length - length / 2, file) == length - length / 2 &&
                    gzprintf(file, "%d of %s\n", 10, "these") == 12 && gzputs(file, "and more") == 8 &&
                    gzputc(file, '\n') == '\n' && gzflush(file, Z_SYNC_FLUSH) == Z_OK;
    return gzclose(file) == Z_OK && is_whole;
}

static bool read_file(const char *path, unsigned char *data, size_t length) {
    char line[64];
    gzFile file = gzopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    bool is_whole = gzread(file, data, (unsigned)length) == (int)length && gzgets(file, line, sizeof line) != NULL &&
                    gzungetc('a', file) == 'a' && gzgetc(file) == 'a' && gzseek(file, 10, SEEK_SET) == 10 &&
                    gzgetc(file) == data[10] && gzrewind(file) == 0;
    return gzclose_r(file) == Z_OK && is_whole;
}

TEST(zlib, writes_and_reads_files, .tags = "customer") {
    static unsigned char data[LENGTH];
    static unsigned char back[LENGTH];
    char path[4096];
    fill(data, sizeof data);
    (void)snprintf(path, sizeof path, "%s/data.gz", test_directory());
    STARVED(!write_file(path, data, sizeof data));
    STARVED(!read_file(path, back, sizeof back));
    CHECK_MEM_EQ(back, data, sizeof data);
}

/* What is compressed comes back; the settings are drawn. */
PROPERTY(zlib, data_comes_back, .tags = "customer") {
    static unsigned char packed[16384];
    static unsigned char back[8192];
    int level = (int)cupel_draw_uint(bytes, "level", 0, 9);
    int window = (int)cupel_draw_uint(bytes, "window bits", 9, 15);
    int memory = (int)cupel_draw_uint(bytes, "memory level", 1, 9);
    int strategy = (int)cupel_draw_uint(bytes, "strategy", 0, 4);
    struct cupel_view data = cupel_draw_bytes(bytes, "data", sizeof back);
    z_stream out = {.next_in = (Bytef *)(uintptr_t)data.data,
                    .avail_in = (uInt)data.length,
                    .next_out = packed,
                    .avail_out = sizeof packed};
    int status = deflateInit2(&out, level, Z_DEFLATED, window, memory, strategy);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    status = deflate(&out, Z_FINISH);
    (void)deflateEnd(&out);
    REQUIRE_INT_EQ(status, Z_STREAM_END);
    uLongf length = sizeof back;
    status = uncompress(back, &length, packed, out.total_out);
    STARVED(status == Z_MEM_ERROR);
    REQUIRE_INT_EQ(status, Z_OK);
    CHECK_UINT_EQ(length, data.length);
    CHECK(length == 0 || memcmp(back, data.data, length) == 0);
}

/* A stream that anybody may have sent: expanded whole and in two pieces, with the same result. */
PROPERTY(zlib, streams_expand_the_same_in_pieces, .tags = "customer") {
    static unsigned char back[2][65536];
    struct cupel_view input = cupel_draw_rest(bytes, "stream");
    int status[2];
    size_t length[2];
    for (unsigned i = 0; i < 2; i++) {
        z_stream in = {.next_in = (Bytef *)(uintptr_t)input.data, .next_out = back[i], .avail_out = sizeof back[i]};
        status[i] = inflateInit2(&in, 15 + 32);
        STARVED(status[i] == Z_MEM_ERROR);
        REQUIRE_INT_EQ(status[i], Z_OK);
        in.avail_in = (uInt)(i == 0 ? 0 : input.length / 2);
        status[i] = i == 0 ? Z_OK : inflate(&in, Z_NO_FLUSH);
        if (status[i] == Z_OK || status[i] == Z_BUF_ERROR) {
            in.avail_in += (uInt)(i == 0 ? input.length : input.length - input.length / 2);
            status[i] = inflate(&in, Z_NO_FLUSH);
        }
        length[i] = in.total_out;
        (void)inflateEnd(&in);
        STARVED(status[i] == Z_MEM_ERROR);
    }
    CHECK_INT_EQ(status[1] == Z_BUF_ERROR ? Z_OK : status[1], status[0] == Z_BUF_ERROR ? Z_OK : status[0]);
    CHECK_UINT_EQ(length[1], length[0]);
    CHECK(memcmp(back[0], back[1], length[0] < length[1] ? length[0] : length[1]) == 0);
}
