/* Which failures pass, and how long to wait for that.
 *
 * Repeated are failures of the line and of a busy server. What libcurl 7.88 needs in particular: a
 * GOAWAY makes it fail requests that the server never saw (CURLE_SEND_ERROR), and a server that
 * goes away mid-answer shows as CURLE_PARTIAL_FILE on all streams but one.
 */
#include "net_state.h"

gch__verdict gch__judge_failure(CURLcode result, const char *url, gch_status *status,
                                gch_error *err)
{
    const char *text = curl_easy_strerror(result);
    gch__verdict verdict = GCH__VERDICT_FINAL;
    *status = GCH_IO;
    switch (result) {
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        verdict = GCH__VERDICT_RETRY_AT_ONCE;
        *status = GCH_UNAVAILABLE;
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_AGAIN:
        verdict = GCH__VERDICT_RETRY;
        *status = GCH_UNAVAILABLE;
        break;
    case CURLE_TOO_MANY_REDIRECTS:
        *status = GCH_LIMIT;
        break;
    case CURLE_OUT_OF_MEMORY:
        *status = GCH_NO_MEMORY;
        break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* what a redirection names */
        *status = GCH_CORRUPT;
        break;
    default:
        break;
    }
    gch__set_error(err, *status, "%s: %s", url, text);
    return verdict;
}

gch__verdict gch__judge_status(uint32_t http_status, const char *url, gch_status *status,
                               gch_error *err)
{
    const char *text = "the server answers";
    gch__verdict verdict = GCH__VERDICT_FINAL;
    *status = GCH_IO;
    switch (http_status) {
    case 401:
        text = "a token is needed, or this one is not accepted:";
        break;
    case 403:
        text = "access is refused:";
        break;
    case 404:
    case 410:
        text = "there is no such thing on the server:";
        *status = GCH_NOT_FOUND;
        break;
    case 422:
        text = "it would be more than was asked for:";
        *status = GCH_LIMIT;
        break;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
        text = "the server is not ready:";
        *status = GCH_UNAVAILABLE;
        verdict = GCH__VERDICT_RETRY;
        break;
    default:
        break;
    }
    gch__set_error(err, *status, "%s: %s status %u", url, text, http_status);
    return verdict;
}

/* SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int64_t gch__backoff_ns(uint32_t count, uint32_t first_ms, uint32_t cap_ms, uint64_t *random)
{
    uint64_t ms = (uint64_t)first_ms << GCH_MIN(count - 1, 31u);
    uint64_t ns = GCH_MIN(ms, (uint64_t)cap_ms) * 1000000u;
    return (int64_t)(ns / 2 + (ns > 1 ? next_random(random) % (ns / 2) : 0));
}
