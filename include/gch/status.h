/* Status codes and error details, shared by every function of the library.
 *
 * Functions that can fail return a gch_status and take, as their last parameter, a nullable
 * `gch_error *err` that the caller owns. On failure it holds the status and one sentence in
 * English that names the thing at fault (file, line, page, option). On success it is untouched.
 * Predicates return bool, lookups return a pointer or NULL.
 *
 *     gch_error err;
 *     gch_source source;
 *     if (gch_source_open_file(data, "ticks.gch", NULL, &source, &err) != GCH_OK)
 *         fprintf(stderr, "%s\n", err.message);
 *
 * Thread rule: a gch_error belongs to one thread at a time; everything else here is pure.
 */
#ifndef GCH_STATUS_H
#define GCH_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* name, value, text. Values are stable: they are process exit codes' sources and wire values. */
#define GCH_STATUS_MAP(X)                                                                          \
    X(OK, 0, "success")                                                                            \
    X(INVALID, 1, "invalid argument")                                                              \
    X(NOT_FOUND, 2, "not found")                                                                   \
    X(EXISTS, 3, "already exists")                                                                 \
    X(IO, 4, "input/output error")                                                                 \
    X(CORRUPT, 5, "damaged data")                                                                  \
    X(UNSUPPORTED, 6, "not supported by this version")                                             \
    X(NO_MEMORY, 7, "out of memory")                                                               \
    X(PARSE, 8, "malformed input")                                                                 \
    X(UNSORTED, 9, "times decrease")                                                               \
    X(LIMIT, 10, "a limit was exceeded")                                                           \
    X(CANCELLED, 11, "cancelled")                                                                  \
    X(PENDING, 12, "not loaded yet")                                                               \
    X(UNAVAILABLE, 13, "not available at the moment")                                              \
    X(DEVICE_LOST, 14, "the GPU device was lost")

typedef enum gch_status {
#define X(name, value, text) GCH_##name = (value),
    GCH_STATUS_MAP(X)
#undef X
} gch_status;

#if defined(__GNUC__) || defined(__clang__)
#define GCH_CHECKED __attribute__((warn_unused_result))
#define GCH_PRINTF(format_index, first_index)                                                      \
    __attribute__((format(printf, format_index, first_index)))
#else
#define GCH_CHECKED
#define GCH_PRINTF(format_index, first_index)
#endif

#define GCH_ERROR_MESSAGE_CAP 248

typedef struct gch_error {
    gch_status status;
    char message[GCH_ERROR_MESSAGE_CAP]; /* NUL-terminated UTF-8, cut to fit */
} gch_error;

/* "GCH_CORRUPT" for GCH_CORRUPT; "GCH_?" for a value outside the map. */
const char *gch_status_name(gch_status status);
/* A short English text for the status; never NULL. */
const char *gch_status_text(gch_status status);

#ifdef __cplusplus
}
#endif
#endif
