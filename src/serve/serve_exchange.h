/* One request and its answer, whatever protocol carries them.
 *
 * A protocol makes an exchange, gives it the fields of the request and its body, and says that it
 * is whole; the router answers at once or when a task has ended; the protocol then sends the
 * answer and ends the exchange. A client that goes away ends it at any moment: a task that still
 * runs is cancelled and outlives the exchange.
 *
 * Thread rule: the network's thread.
 */
#ifndef GCH_SERVE_EXCHANGE_H
#define GCH_SERVE_EXCHANGE_H

#include "serve_body.h"
#include "serve_jobs.h"

typedef struct gch__conn gch__conn;
typedef struct gch__exchange gch__exchange;

/* Fields of requests that mean something here; others are not kept. */
typedef enum gch__field {
    GCH__FIELD_ACCEPT_ENCODING,
    GCH__FIELD_REQUEST_METHOD, /* Access-Control-Request-Method */
    GCH__FIELD_AUTHORIZATION,
    GCH__FIELD_CONNECTION,
    GCH__FIELD_CONTENT_TYPE,
    GCH__FIELD_COOKIE,
    GCH__FIELD_EXPECT,
    GCH__FIELD_HOST,
    GCH__FIELD_IF_NONE_MATCH,
    GCH__FIELD_IF_RANGE,
    GCH__FIELD_ORIGIN,
    GCH__FIELD_RANGE,
    GCH__FIELD_WS_KEY,
    GCH__FIELD_WS_PROTOCOL,
    GCH__FIELD_WS_VERSION,
    GCH__FIELD_UPGRADE,
    GCH__FIELD_USER_AGENT,
    GCH__FIELD_COUNT
} gch__field;

typedef enum gch__method {
    GCH__METHOD_OTHER,
    GCH__METHOD_GET,
    GCH__METHOD_HEAD,
    GCH__METHOD_POST,
    GCH__METHOD_PUT,
    GCH__METHOD_OPTIONS,
} gch__method;

/* A text within the exchange's store. */
typedef struct gch__stored {
    uint32_t at, count;
    bool is_set;
} gch__stored;

typedef struct gch__answer_field {
    const char *name; /* static, lower case */
    gch__stored value;
} gch__answer_field;

#define GCH__ANSWER_FIELDS_MAX 24u

/* Work of an exchange off the network's thread; the head of every such job. */
typedef struct gch__task {
    gch__job job;
    gch__exchange *exchange; /* NULL once it has ended */
    gch__conn *conn;         /* lives until its tasks have ended */
} gch__task;

struct gch__exchange {
    gch__conn *conn;
    gch__exchange *next, *previous;
    int32_t stream; /* HTTP/2; 0 on HTTP/1.1 */

    gch__buffer store;
    gch__method method;
    gch__stored target; /* path and query */
    gch__stored fields[GCH__FIELD_COUNT];
    uint64_t header_bytes;
    gch__buffer body;
    bool has_head, is_whole; /* its head, all of it has arrived */
    int refusal;             /* the status code it is to be refused with, or 0 */
    const char *refusal_why;
    int64_t start_ns;

    int code; /* of the answer; 0: none yet */
    gch__answer_field answer_fields[GCH__ANSWER_FIELDS_MAX];
    size_t answer_field_count;
    gch__body answer;
    bool answer_has_no_body; /* HEAD, 204, 304: its length is told, nothing is sent */
    bool is_lost;            /* the answer could not be made: no memory */
    bool closes;             /* the connection after it */
    void *upgrade;           /* 101: the WebSocket that takes over */

    gch__task *task;
    bool is_stalled; /* HTTP/2: its body waits for the disk */
    uint32_t staged; /* HTTP/2: bytes of it that lie in the output, not framed yet */
    uint64_t staged_at;
    uint64_t sent_bytes;
};

gch__exchange *gch__exchange_make(gch__conn *conn); /* NULL: no memory */
/* Logs it, cancels its task, frees it. */
void gch__exchange_end(gch__exchange *exchange);

/* The method and the target of the request. */
void gch__exchange_set_method(gch__exchange *exchange, gch__span method);
void gch__exchange_set_target(gch__exchange *exchange, gch__span target);
/* A field of the request; what is wrong with it becomes the exchange's refusal. */
void gch__exchange_add_field(gch__exchange *exchange, gch__span name, gch__span value);
/* Bytes of the request's body. */
void gch__exchange_add_body(gch__exchange *exchange, const uint8_t *bytes, size_t count);
/* The first refusal stays. `why` is static. */
void gch__exchange_refuse(gch__exchange *exchange, int code, const char *why);

/* Empty if it is absent; points into the store, until the store grows. */
gch__span gch__exchange_field(const gch__exchange *exchange, gch__field field);
gch__span gch__exchange_stored(const gch__exchange *exchange, gch__stored stored);

/* A field of the answer, in place of one of that name. Control characters of values become '?'. */
GCH_PRINTF(3, 4)
void gch__answer_add(gch__exchange *exchange, const char *name, const char *format, ...);
/* JSON, as docs/protocol.md has it, and its status code. */
GCH_PRINTF(4, 5)
void gch__answer_error(gch__exchange *exchange, int code, gch_status status, const char *format,
                       ...);
/* The same for a failed call, with the code that its status stands for. */
void gch__answer_status(gch__exchange *exchange, const gch_error *err);
/* A text body of that type. */
void gch__answer_text(gch__exchange *exchange, int code, const char *type, const void *text,
                      size_t length);
const char *gch__reason(int code); /* "Not Found" */

/* Runs a task for the exchange; `task` is filled but for its exchange and its connection. */
void gch__exchange_run(gch__exchange *exchange, gch__task *task);
/* The same for a task that somebody else brings to its end. */
void gch__exchange_wait(gch__exchange *exchange, gch__task *task);
/* For a task's finish: ends the connection's hold, and gives the exchange, or NULL if it has
 * ended. */
gch__exchange *gch__task_end(gch__task *task);
/* Has the system read what comes next of the answer's file, and then goes on with the answer.
 * False: no memory. */
bool gch__exchange_wait_for_disk(gch__exchange *exchange);
/* The answer is made: it is to be sent. */
void gch__exchange_answered(gch__exchange *exchange);

#endif
