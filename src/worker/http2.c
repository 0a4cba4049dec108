/*
 * A connection's life: libcurl connects, TLS shakes hands, the server sends its SETTINGS; then
 * frames go to and fro, in records of up to 16 KiB.
 *
 * Whatever happens to it, first is read what the server has said: a server that does not want our
 * certificate says so in a TLS alert (in TLS 1.3 only after our side of the handshake) and closes,
 * and the alert tells more than the failing write.
 */
#include "worker/http2.h"

#include <curl/curl.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
	RECORD = 16 * 1024, /* a frame with its head always fits beside another half full */
	OUT_SIZE = 2 * RECORD + 64,
	HEADERS_MOST = 12,
	TEXT_MOST = 256,
	HOST_MOST = 256, /* of a host and its port */
	ERROR_MOST = 300,
	RECORDS_A_TURN = 64, /* then others have their turn, however much there is to read */
	KEEPALIVE_S = 600,   /* TCP's probes, for the firewalls on the way */
};

struct http2 {
	const struct http2_options *options;
	const struct http2_handlers *handlers;
	enum http2_state state;
	char host[HOST_MOST];      /* as in a certificate */
	char authority[HOST_MOST]; /* as in :authority */
	char error[ERROR_MOST];
	bool refused;

	CURLM *multi; /* both as long as the socket is used */
	CURL *easy;
	char curl_error[CURL_ERROR_SIZE];
	int fd; /* -1: not connected */
	SSL_CTX *tls;
	SSL *ssl;
	bool shaken, wants_write;
	bool more; /* there may be something to read that poll() does not know of */
	nghttp2_session *session;
	bool settled; /* the server's SETTINGS are there */

	int64_t began_at, heard_at; /* in clock_ticks_us() */
	int64_t ping_at;            /* when one went out; 0: none is under way */
	unsigned char out[OUT_SIZE];
	size_t out_len, out_sent;
};

/* ---- the end ---- */

static void
fail(struct http2 *http2, const char *doing, const char *why)
{
	if (http2->state == HTTP2_FAILED)
		return;
	/* What the server said before it went tells more. */
	if (http2->state != HTTP2_LEAVING || http2->error[0] == '\0')
		snprintf(http2->error, sizeof(http2->error), "%s: %s", doing, why);
	http2->state = HTTP2_FAILED;
}

/* Does this alert of the server speak of our certificate (RFC 8446, section 6.2)? */
static bool
is_refusal(unsigned long code)
{
	switch (ERR_GET_REASON(code)) {
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return ERR_GET_LIB(code) == ERR_LIB_SSL;
	default:
		return false;
	}
}

/* After a call of OpenSSL's that gave RESULT: may it be tried again later? */
static bool
tls_goes_on(struct http2 *http2, int result, const char *doing)
{
	unsigned long code;

	switch (SSL_get_error(http2->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return true;
	case SSL_ERROR_WANT_WRITE:
		http2->wants_write = true;
		return true;
	case SSL_ERROR_ZERO_RETURN:
		fail(http2, doing, "the server has closed the connection");
		return false;
	default:
		break;
	}
	code = ERR_peek_last_error();
	http2->refused = is_refusal(code);
	if (SSL_get_verify_result(http2->ssl) != X509_V_OK)
		fail(http2, "the server's certificate",
			X509_verify_cert_error_string(SSL_get_verify_result(http2->ssl)));
	else if (code != 0)
		fail(http2, doing, ERR_reason_error_string(code));
	else
		fail(http2, doing,
			errno != 0 ? strerror(errno) : "the server has closed the connection");
	ERR_clear_error();
	return false;
}

/* ---- what nghttp2 tells ---- */

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
	size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *context)
{
	struct http2 *http2 = context;
	void *request = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);

	/* nghttp2 ends both with a zero byte */
	(void)name_len;
	(void)value_len;
	(void)flags;
	if (request != NULL)
		http2->handlers->header(request, (const char *)name, (const char *)value);
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
	void *context)
{
	struct http2 *http2 = context;
	void *request = nghttp2_session_get_stream_user_data(session, id);

	(void)flags;
	if (request != NULL)
		http2->handlers->body(request, bytes, len);
	return 0;
}

/* The words of a GOAWAY: Apple's are JSON with a reason. */
static void
note_goaway(struct http2 *http2, const nghttp2_goaway *goaway)
{
	size_t len = goaway->opaque_data_len < TEXT_MOST ? goaway->opaque_data_len : TEXT_MOST;

	http2->state = HTTP2_LEAVING;
	snprintf(http2->error, sizeof(http2->error), "the server says goodbye (%s) %.*s",
		nghttp2_http2_strerror(goaway->error_code), (int)len,
		len == 0 ? "" : (const char *)goaway->opaque_data);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct http2 *http2 = context;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		note_goaway(http2, &frame->goaway);
	else if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		http2->settled = true;
	else if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
		http2->ping_at = 0;
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct http2 *http2 = context;
	void *request = nghttp2_session_get_stream_user_data(session, id);

	if (request != NULL)
		http2->handlers->end(request, code == NGHTTP2_NO_ERROR);
	return 0;
}

static bool
start_session(struct http2 *http2)
{
	const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		abort();
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	if (nghttp2_session_client_new(&http2->session, callbacks, http2) != 0)
		abort();
	nghttp2_session_callbacks_del(callbacks);
	return nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
		       sizeof(settings) / sizeof(settings[0])) == 0;
}

/* ---- connecting ---- */

/* HOST is as in a URL: [::1] has brackets. */
static bool
read_url(struct http2 *http2, char *address, size_t size)
{
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL, *scheme = NULL;
	bool good = url != NULL &&
		    curl_url_set(url, CURLUPART_URL, http2->options->url, 0) == CURLUE_OK &&
		    curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    strcmp(scheme, "https") == 0 &&
		    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		    strlen(host) + strlen(port) + 1 < sizeof(http2->host);

	if (good) {
		snprintf(http2->authority, sizeof(http2->authority), "%.*s:%.8s", HOST_MOST - 10,
			host, port);
		snprintf(address, size, "http://%s", http2->authority);
		snprintf(http2->host, sizeof(http2->host), "%s", host[0] == '[' ? host + 1 : host);
		http2->host[strcspn(http2->host, "]")] = '\0';
	}
	curl_free(host);
	curl_free(port);
	curl_free(scheme);
	curl_url_cleanup(url);
	return good;
}

static const char *
proxy(void)
{
	const char *name = getenv("https_proxy");

	return name != NULL ? name : getenv("HTTPS_PROXY");
}

/* libcurl connects a socket, through a proxy's CONNECT if need be, and leaves it to us. */
static void
start_connecting(struct http2 *http2)
{
	char address[HOST_MOST + 16];
	CURL *easy = http2->easy = curl_easy_init();

	http2->multi = curl_multi_init();
	if (easy == NULL || http2->multi == NULL)
		abort();
	if (!read_url(http2, address, sizeof(address))) {
		fail(http2, "apns_url", "not like https://api.push.apple.com:443");
		return;
	}
	curl_easy_setopt(easy, CURLOPT_URL, address);
	curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	if (proxy() != NULL)
		curl_easy_setopt(easy, CURLOPT_PROXY, proxy());
	curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, http2->options->patience_ms);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http2->curl_error);
	if (curl_multi_add_handle(http2->multi, easy) != CURLM_OK)
		fail(http2, "connecting", "libcurl does not want to");
}

static bool
use_identity(SSL_CTX *tls, const struct x509_identity *identity)
{
	BIO *certificates = BIO_new_mem_buf(identity->cert_pem, -1);
	BIO *keys = BIO_new_mem_buf(identity->key_pem, -1);
	X509 *certificate = PEM_read_bio_X509(certificates, NULL, NULL, NULL), *next;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(keys, NULL, NULL, NULL);
	bool good = certificate != NULL && key != NULL &&
		    SSL_CTX_use_certificate(tls, certificate) == 1 &&
		    SSL_CTX_use_PrivateKey(tls, key) == 1;

	while (good && (next = PEM_read_bio_X509(certificates, NULL, NULL, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(tls, next) != 1) {
			X509_free(next);
			good = false;
		}
	X509_free(certificate);
	EVP_PKEY_free(key);
	BIO_free(certificates);
	BIO_free(keys);
	ERR_clear_error();
	return good;
}

/* The host has to be the one that the server's certificate names. */
static bool
expect_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1)
		return true;
	ERR_clear_error();
	return X509_VERIFY_PARAM_set1_host(rules, host, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* What does not change from try to try; a fault of ours is known before anybody is called. */
static void
prepare_tls(struct http2 *http2)
{
	static const unsigned char h2[] = {2, 'h', '2'};
	const char *ca = http2->options->ca;
	SSL_CTX *tls = http2->tls = SSL_CTX_new(TLS_client_method());

	if (tls == NULL)
		abort();
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_protos(tls, h2, sizeof(h2));
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls), X509_V_FLAG_PARTIAL_CHAIN);
	if (ca != NULL ? SSL_CTX_load_verify_file(tls, ca) != 1
		       : SSL_CTX_set_default_verify_paths(tls) != 1) {
		fail(http2, ca != NULL ? ca : "the system's certificates", "cannot be used");
	} else if (!use_identity(tls, http2->options->identity)) {
		http2->refused = true;
		fail(http2, "the push certificate", "OpenSSL cannot use it or its key");
	}
	ERR_clear_error();
}

static void
start_tls(struct http2 *http2)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	if (curl_easy_getinfo(http2->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
		fd == CURL_SOCKET_BAD) {
		fail(http2, "connecting", "libcurl has lost the socket");
		return;
	}
	http2->fd = (int)fd;
	http2->ssl = SSL_new(http2->tls);
	if (http2->ssl == NULL)
		abort();
	SSL_set_fd(http2->ssl, http2->fd);
	SSL_set_connect_state(http2->ssl);
	if (!expect_host(http2->ssl, http2->host))
		fail(http2, "TLS", "the host's name cannot be used");
}

static void
connect_on(struct http2 *http2)
{
	CURLMsg *message;
	int left;

	curl_multi_perform(http2->multi, &left);
	do
		message = curl_multi_info_read(http2->multi, &left);
	while (message != NULL && message->msg != CURLMSG_DONE);
	if (message == NULL)
		return;
	if (message->data.result == CURLE_OK)
		start_tls(http2);
	else
		fail(http2, "connecting",
			http2->curl_error[0] != '\0' ? http2->curl_error
						     : curl_easy_strerror(message->data.result));
}

static void
shake_on(struct http2 *http2)
{
	const unsigned char *protocol;
	unsigned len;
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(http2->ssl);
	if (result != 1) {
		tls_goes_on(http2, result, "TLS");
		return;
	}
	http2->shaken = true;
	SSL_get0_alpn_selected(http2->ssl, &protocol, &len);
	if (len != 2 || memcmp(protocol, "h2", 2) != 0)
		fail(http2, "TLS", "the server does not speak HTTP/2");
	else if (!start_session(http2))
		fail(http2, "HTTP/2", "a connection cannot be started");
}

/* ---- frames ---- */

static void
receive(struct http2 *http2)
{
	unsigned char bytes[RECORD];
	size_t got;

	http2->more = false;
	for (int i = 0; http2->state != HTTP2_FAILED; i++) {
		int result;
		ssize_t used;

		if (i == RECORDS_A_TURN) {
			http2->more = true;
			return;
		}

		ERR_clear_error();
		errno = 0;
		result = SSL_read_ex(http2->ssl, bytes, sizeof(bytes), &got);
		if (result != 1) {
			tls_goes_on(http2, result, "the connection");
			return;
		}
		http2->heard_at = clock_ticks_us();
		used = nghttp2_session_mem_recv(http2->session, bytes, got);
		if (used < 0)
			fail(http2, "HTTP/2", nghttp2_strerror((int)used));
	}
}

/* A record of what nghttp2 has to send. */
static bool
gather(struct http2 *http2)
{
	http2->out_len = http2->out_sent = 0;
	while (http2->out_len < RECORD) {
		const uint8_t *bytes;
		ssize_t len = nghttp2_session_mem_send(http2->session, &bytes);

		if (len < 0 || (size_t)len > OUT_SIZE - http2->out_len) {
			fail(http2, "HTTP/2", nghttp2_strerror((int)len));
			return false;
		}
		if (len == 0)
			break;
		memcpy(http2->out + http2->out_len, bytes, (size_t)len);
		http2->out_len += (size_t)len;
	}
	return http2->out_len > 0;
}

static void
flush(struct http2 *http2)
{
	while (http2->state != HTTP2_FAILED) {
		size_t put;
		int result;

		if (http2->out_sent == http2->out_len && !gather(http2))
			return;
		ERR_clear_error();
		errno = 0;
		result = SSL_write_ex(http2->ssl, http2->out + http2->out_sent,
			http2->out_len - http2->out_sent, &put);
		if (result != 1) {
			tls_goes_on(http2, result, "sending");
			return;
		}
		http2->out_sent += put;
	}
}

/* ---- time ---- */

static void
ping(struct http2 *http2)
{
	if (http2->ping_at != 0 || http2->session == NULL)
		return;
	http2->ping_at = clock_ticks_us();
	nghttp2_submit_ping(http2->session, NGHTTP2_FLAG_NONE, NULL);
}

static void
watch_time(struct http2 *http2)
{
	int64_t now = clock_ticks_us(), patience = http2->options->patience_ms * 1000;

	if (http2->state == HTTP2_STARTING && now - http2->began_at > patience)
		fail(http2, "connecting", "the server takes too long");
	else if (http2->ping_at != 0 && now - http2->ping_at > patience)
		fail(http2, "the connection", "the server does not answer a PING");
	else if (http2->settled && now - http2->heard_at > http2->options->idle_ms * 1000)
		ping(http2);
}

/* ---- from outside ---- */

struct http2 *
http2_new(const struct http2_options *options, const struct http2_handlers *handlers)
{
	struct http2 *http2 = calloc(1, sizeof(*http2));

	if (http2 == NULL)
		abort();
	http2->options = options;
	http2->handlers = handlers;
	http2->state = HTTP2_STARTING;
	http2->fd = -1;
	http2->began_at = http2->heard_at = clock_ticks_us();
	prepare_tls(http2);
	if (http2->state != HTTP2_FAILED)
		start_connecting(http2);
	return http2;
}

void
http2_free(struct http2 *http2)
{
	if (http2 == NULL)
		return;
	if (http2->session != NULL && http2->state != HTTP2_FAILED) {
		nghttp2_session_terminate_session(http2->session, NGHTTP2_NO_ERROR);
		flush(http2);
	}
	if (http2->shaken && http2->state != HTTP2_FAILED)
		SSL_shutdown(http2->ssl);
	ERR_clear_error();
	nghttp2_session_del(http2->session);
	SSL_free(http2->ssl);
	SSL_CTX_free(http2->tls);
	if (http2->multi != NULL)
		curl_multi_remove_handle(http2->multi, http2->easy);
	curl_easy_cleanup(http2->easy);
	curl_multi_cleanup(http2->multi);
	free(http2);
}

enum http2_state
http2_state(const struct http2 *http2)
{
	return http2->state;
}

const char *
http2_error(const struct http2 *http2)
{
	return http2->error;
}

bool
http2_refused(const struct http2 *http2)
{
	return http2->state == HTTP2_FAILED && http2->refused;
}

static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t size, uint32_t *flags,
	nghttp2_data_source *source, void *context)
{
	struct http2_body *body = source->ptr;
	size_t len = body->len < size ? body->len : size;

	(void)session;
	(void)id;
	(void)context;
	memcpy(bytes, body->bytes, len);
	body->bytes += len;
	body->len -= len;
	if (body->len == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

static nghttp2_nv
pair(const char *name, const char *value, bool once)
{
	/* nghttp2 does not write to what these point to, though they are not const */
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
		.value = (uint8_t *)(uintptr_t)value,
		.namelen = strlen(name),
		.valuelen = strlen(value),
		.flags = (uint8_t)(NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE |
				   (once ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE))};
}

int32_t
http2_post(struct http2 *http2, const char *path, const struct http2_header *headers,
	size_t header_count, struct http2_body *body, void *request)
{
	nghttp2_data_provider provider = {.source.ptr = body, .read_callback = read_body};
	nghttp2_nv all[HEADERS_MOST] = {pair(":method", "POST", false),
		pair(":scheme", "https", false), pair(":authority", http2->authority, false),
		pair(":path", path, true)};
	size_t count = 4;

	if (http2->state != HTTP2_OPEN || header_count > HEADERS_MOST - count)
		return -1;
	for (size_t i = 0; i < header_count; i++)
		all[count++] = pair(headers[i].name, headers[i].value, headers[i].once);
	return nghttp2_submit_request(http2->session, NULL, all, count, &provider, request);
}

void
http2_cancel(struct http2 *http2, int32_t stream)
{
	nghttp2_session_set_stream_user_data(http2->session, stream, NULL);
	nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
	ping(http2);
}

void
http2_work(struct http2 *http2)
{
	if (http2->state != HTTP2_FAILED && http2->fd < 0)
		connect_on(http2);
	http2->wants_write = false;
	if (http2->state != HTTP2_FAILED && http2->ssl != NULL && !http2->shaken)
		shake_on(http2);
	if (http2->state != HTTP2_FAILED && http2->shaken)
		receive(http2);
	if (http2->state != HTTP2_FAILED && http2->shaken)
		flush(http2);
	if (http2->state == HTTP2_STARTING && http2->settled)
		http2->state = HTTP2_OPEN;
	watch_time(http2);
}

void
http2_wait(struct http2 *http2, int ms)
{
	struct pollfd fd = {
		.fd = http2->fd, .events = (short)(http2->wants_write ? POLLIN | POLLOUT : POLLIN)};

	if (http2->state == HTTP2_FAILED)
		return;
	if (http2->fd < 0)
		curl_multi_poll(http2->multi, NULL, 0, ms, NULL);
	else
		poll(&fd, 1, http2->more ? 0 : ms);
}
