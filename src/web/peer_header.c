/*
 * What a load balancer says of its client, out of one of four forms into DER.
 */
#include "web/peer_header.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec/text.h"
#include "codec/x509.h"

enum { HEADER_MOST = 32 * 1024, NAME_MOST = 64, RANGE_MOST = 64, V4_BITS = 96 };

static enum err_kind
refuse(struct err *err)
{
	return err_set(err, ERR_FORBIDDEN, "the header with the client certificate cannot be read");
}

/* ---- addresses ---- */

/* IPv4 is ::ffff:a.b.c.d, as which it comes through a socket that takes both. */
static bool
read_address(const char *text, unsigned char address[16], bool *is_v4)
{
	static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	*is_v4 = inet_pton(AF_INET, text, address + sizeof(mapped)) == 1;
	if (*is_v4)
		memcpy(address, mapped, sizeof(mapped));
	return *is_v4 || inet_pton(AF_INET6, text, address) == 1;
}

/* The address without what is behind BITS; are these the same bits in both? */
static bool
is_within(const unsigned char *address, const unsigned char *net, unsigned bits)
{
	unsigned rest = bits % 8;
	unsigned char mask = (unsigned char)(0xff << (8 - rest));

	return memcmp(address, net, bits / 8) == 0 &&
	       (rest == 0 || ((address[bits / 8] ^ net[bits / 8]) & mask) == 0);
}

/* ADDRESS or ADDRESS/BITS.  A range of everybody would be no check. */
static bool
read_range(const char *text, size_t len, struct peer_range *range)
{
	char copy[RANGE_MOST], *slash, *end;
	bool is_v4;
	unsigned long bits;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (!read_address(copy, range->address, &is_v4))
		return false;
	range->bits = 128;
	if (slash == NULL)
		return true;
	bits = strtoul(slash, &end, 10);
	if (!isdigit((unsigned char)*slash) || *end != '\0' || bits < 1 ||
		bits > (is_v4 ? 32 : 128))
		return false;
	range->bits = (unsigned)bits + (is_v4 ? V4_BITS : 0);
	return true;
}

bool
peer_header_trusts(const struct peer_header_rules *rules, const char *address)
{
	unsigned char bytes[16];
	bool is_v4;

	if (!read_address(address, bytes, &is_v4))
		return false;
	for (size_t i = 0; i < rules->range_count; i++)
		if (is_within(bytes, rules->ranges[i].address, rules->ranges[i].bits))
			return true;
	return false;
}

/* ---- rules ---- */

static const struct {
	const char *name;
	enum peer_form form;
} forms[] = {
	{"pem", PEER_FORM_PEM},
	{"rfc9440", PEER_FORM_RFC9440},
	{"base64", PEER_FORM_BASE64},
	{"xfcc", PEER_FORM_XFCC},
};

static bool
read_form(const char *name, enum peer_form *form)
{
	for (size_t i = 0; name != NULL && i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(forms[i].name, name) == 0) {
			*form = forms[i].form;
			return true;
		}
	return false;
}

static bool
read_ranges(const char *text, struct peer_header_rules *rules)
{
	static const char separators[] = " \t,";

	for (const char *p = text == NULL ? "" : text; *(p += strspn(p, separators)) != '\0';) {
		size_t len = strcspn(p, separators);

		if (rules->range_count == PEER_RANGES_MOST ||
			!read_range(p, len, &rules->ranges[rules->range_count]))
			return false;
		rules->range_count++;
		p += len;
	}
	return rules->range_count > 0;
}

/* HTTP_ and the header's name in capitals (RFC 3875, 4.1.18); NULL when it is no name. */
static const char *
param_of(const char *header, struct arena *arena)
{
	char *param = arena_printf(arena, "HTTP_%.*s", NAME_MOST, header);

	if (strlen(header) > NAME_MOST)
		return NULL;
	for (char *p = param + sizeof("HTTP_") - 1; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-')
			return NULL;
		*p = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
	}
	return param;
}

enum err_kind
peer_header_rules_read(struct peer_header_rules *rules, const struct conf *conf,
	struct arena *arena, struct err *err)
{
	static const char where[] = "[peer]";

	*rules = (struct peer_header_rules){0};
	if (conf->certificate_header == NULL)
		return ERR_OK;
	rules->param = param_of(conf->certificate_header, arena);
	if (rules->param == NULL || strcmp(rules->param, "HTTP_MDM_SIGNATURE") == 0)
		return err_set(err, ERR_BAD_INPUT,
			"%s: %s: certificate_header must be the name of an HTTP header, of "
			"letters, "
			"digits and hyphens",
			conf->path, where);
	if (!read_form(conf->certificate_form, &rules->form))
		return err_set(err, ERR_BAD_INPUT,
			"%s: %s: certificate_form must be pem, rfc9440, base64 or xfcc", conf->path,
			where);
	if (!read_ranges(conf->certificate_from, rules))
		return err_set(err, ERR_BAD_INPUT,
			"%s: %s: certificate_from must be 1 to %d addresses or ranges like "
			"192.0.2.10 or 2001:db8::/64, separated by blanks",
			conf->path, where, PEER_RANGES_MOST);
	return ERR_OK;
}

enum err_kind
peer_header_find(const struct peer_header_rules *rules, const struct request *request,
	const char **value, struct err *err)
{
	const char *text;

	*value = NULL;
	if (rules->param == NULL)
		return ERR_OK;
	text = request_param(request, rules->param);
	if (*text == '\0' || !peer_header_trusts(rules, request_param(request, "REMOTE_ADDR")))
		return ERR_OK;
	if (request_param_count(request, rules->param) > 1)
		return err_set(
			err, ERR_FORBIDDEN, "there are several headers with a client certificate");
	*value = text;
	return ERR_OK;
}

/* ---- forms ---- */

/* A comma is in no PEM: there were two headers, which the web server has joined. */
static unsigned char *
from_pem(struct arena *arena, const char *text, size_t text_len, size_t *len)
{
	size_t pem_len;
	const char *pem = NULL;

	if (memchr(text, ',', text_len) == NULL)
		pem = text_url_decode(arena, text, text_len, false, &pem_len);
	return pem == NULL ? NULL : x509_pem_to_der(arena, pem, pem_len, len);
}

static unsigned char *
from_base64(struct arena *arena, const char *text, size_t text_len, size_t *len)
{
	return text_base64_decode(arena, text, text_len, len);
}

/* A byte sequence of RFC 8941, and nothing else. */
static unsigned char *
from_rfc9440(struct arena *arena, const char *text, size_t text_len, size_t *len)
{
	while (text_len > 0 && *text == ' ') {
		text++;
		text_len--;
	}
	while (text_len > 0 && text[text_len - 1] == ' ')
		text_len--;
	if (text_len < 2 || text[0] != ':' || text[text_len - 1] != ':')
		return NULL;
	return text_base64_decode(arena, text + 1, text_len - 2, len);
}

/* ---- Envoy's form: By=…;Hash=…;Cert="…",By=… ---- */

/* One KEY=VALUE; VALUE without its quotes, and in it nothing is undone but \" and \\. */
struct xfcc_pair {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};

static bool
read_quoted(struct arena *arena, const char **at, struct xfcc_pair *pair)
{
	const char *p = *at + 1;
	char *value = arena_alloc(arena, strlen(p) + 1);
	size_t len = 0;

	for (; *p != '"'; p++) {
		p += *p == '\\';
		if (*p == '\0')
			return false;
		value[len++] = *p;
	}
	pair->value = value;
	pair->value_len = len;
	*at = p + 1;
	return true;
}

/* A quote belongs around a value, not into it: where one stands elsewhere, somebody may have begun
 * a text that the proxy's own is to end. */
static bool
read_pair(struct arena *arena, const char **at, struct xfcc_pair *pair)
{
	const char *p = *at;

	pair->key = p;
	while (isalpha((unsigned char)*p))
		p++;
	pair->key_len = (size_t)(p - pair->key);
	if (pair->key_len == 0 || *p++ != '=')
		return false;
	*at = p;
	if (*p == '"')
		return read_quoted(arena, at, pair) && strchr(",;", **at) != NULL;
	pair->value = p;
	pair->value_len = strcspn(p, ",;\"\\");
	*at = p + pair->value_len;
	return strchr(",;", **at) != NULL;
}

struct xfcc_element {
	const char *cert, *hash; /* NULL: not there */
	size_t cert_len, hash_len;
	bool twice; /* one of them */
};

static void
take_pair(struct xfcc_element *element, const struct xfcc_pair *pair)
{
	if (pair->key_len != 4)
		return;
	if (strncasecmp(pair->key, "Cert", 4) == 0) {
		element->twice = element->twice || element->cert != NULL;
		element->cert = pair->value;
		element->cert_len = pair->value_len;
	} else if (strncasecmp(pair->key, "Hash", 4) == 0) {
		element->twice = element->twice || element->hash != NULL;
		element->hash = pair->value;
		element->hash_len = pair->value_len;
	}
}

static bool
read_last_element(struct arena *arena, const char *text, struct xfcc_element *element)
{
	*element = (struct xfcc_element){0};
	for (;;) {
		struct xfcc_pair pair;

		if (!read_pair(arena, &text, &pair))
			return false;
		take_pair(element, &pair);
		if (*text == '\0')
			return true;
		if (*text++ == ',') {
			*element = (struct xfcc_element){0};
			text += strspn(text, " \t");
		}
	}
}

static unsigned char *
from_xfcc(struct arena *arena, const char *text, size_t text_len, size_t *len)
{
	struct xfcc_element element;
	char hash[X509_HASH_SIZE];
	unsigned char *der;

	(void)text_len;
	if (!read_last_element(arena, text, &element) || element.twice || element.cert == NULL)
		return NULL;
	der = from_pem(arena, element.cert, element.cert_len, len);
	if (der == NULL || element.hash == NULL)
		return der;
	x509_hash(der, *len, hash);
	return element.hash_len == strlen(hash) &&
			       strncasecmp(element.hash, hash, strlen(hash)) == 0
		       ? der
		       : NULL;
}

enum err_kind
peer_header_certificate(const struct peer_header_rules *rules, struct arena *arena,
	const char *value, unsigned char **der, size_t *len, struct err *err)
{
	static unsigned char *(*const readers[])(
		struct arena * arena, const char *text, size_t text_len, size_t *len) = {
		[PEER_FORM_PEM] = from_pem,
		[PEER_FORM_RFC9440] = from_rfc9440,
		[PEER_FORM_BASE64] = from_base64,
		[PEER_FORM_XFCC] = from_xfcc,
	};
	size_t value_len = strlen(value);

	*der = NULL;
	*len = 0;
	if (value_len > HEADER_MOST)
		return refuse(err);
	*der = readers[rules->form](arena, value, value_len, len);
	return *der == NULL || *len == 0 ? refuse(err) : ERR_OK;
}
