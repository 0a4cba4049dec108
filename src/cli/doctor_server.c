/*
 * Checks that ask the running server, as a browser and as a device would, and APNs.
 */
#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/probe.h"
#include "mdm/ca.h"
#include "mdm/push_certificate.h"
#include "mdm/setting.h"

enum { DAY_MS = 24 * 3600 * 1000, TLS_WARNING_DAYS = 14 };

static const char not_a_plist[] = "pomona doctor";

/* Asks for PATH; what fails is a problem. */
static bool
ask(struct doctor *doctor, const char *base, struct probe *probe, const char *path,
	struct probe_answer *answer)
{
	struct arena *arena = &doctor->cli->arena;
	struct err err = {0};

	probe->url = arena_printf(arena, "%s%s", base, path);
	if (probe->method == NULL)
		probe->method = "GET";
	if (probe_ask(arena, probe, answer, &err) == ERR_OK)
		return true;
	doctor_say(doctor, DOCTOR_PROBLEM,
		"does the web server run, is the name right, is its certificate one that devices "
		"trust (--ca FILE: by this CA)?",
		"%s: %s", probe->url, err.message);
	return false;
}

static void
check_tls(struct doctor *doctor, const struct probe_answer *answer)
{
	int64_t days = (answer->tls_not_after - clock_now()) / DAY_MS;
	char when[CLOCK_ISO_SIZE];

	if (answer->tls_not_after == 0)
		return;
	clock_iso(answer->tls_not_after, when);
	if (days < TLS_WARNING_DAYS)
		doctor_say(doctor, DOCTOR_WARNING, "renew it, and have the web server load it",
			"the TLS certificate expires on %s", when);
	else
		doctor_say(doctor, DOCTOR_OK, NULL, "the TLS certificate is good until %s", when);
}

static bool
check_health(struct doctor *doctor, const char *base, const char *ca)
{
	struct probe probe = {.ca = ca};
	struct probe_answer answer;

	if (!ask(doctor, base, &probe, "/healthz", &answer))
		return false;
	check_tls(doctor, &answer);
	if (answer.status == 200 && strcmp(answer.body, "ok") == 0) {
		doctor_say(doctor, DOCTOR_OK, NULL, "%s is alive", base);
		return true;
	}
	doctor_say(doctor, DOCTOR_PROBLEM,
		"does pomona-fcgi run, and does the web server hand requests to it?  See their "
		"logs",
		"%s/healthz says %ld: %s", base, answer.status, answer.body);
	return false;
}

static void
check_version(struct doctor *doctor, const char *base, const char *ca)
{
	static const char mine[] = "{\"version\":\"" PACKAGE_VERSION "\"}";
	struct probe probe = {.ca = ca};
	struct probe_answer answer;

	if (!ask(doctor, base, &probe, "/version", &answer))
		return;
	if (answer.status == 200 && strcmp(answer.body, mine) == 0)
		doctor_say(doctor, DOCTOR_OK, NULL, "version " PACKAGE_VERSION);
	else
		doctor_say(doctor, DOCTOR_WARNING, "restart pomona-fcgi",
			"%s/version says %ld: %s, and this program is " PACKAGE_VERSION, base,
			answer.status, answer.body);
}

/* Nobody without a certificate may get to what is for devices. */
static void
check_stranger(struct doctor *doctor, const char *base, const char *ca)
{
	struct probe probe = {.method = "PUT", .ca = ca, .body = not_a_plist};
	struct probe_answer answer;

	if (!ask(doctor, base, &probe, "/mdm", &answer))
		return;
	if (answer.status == 403)
		doctor_say(doctor, DOCTOR_OK, NULL, "/mdm without a certificate is refused");
	else
		doctor_say(doctor, DOCTOR_PROBLEM,
			"compare the web server's site file with Pomona's; 401 would make devices "
			"unenroll",
			"/mdm without a certificate says %ld and not 403: %s", answer.status,
			answer.body);
}

/* An identity for a day, whose key is in memory alone and which is written down nowhere. */
static enum err_kind
make_identity(struct doctor *doctor, struct x509_identity *identity, struct err *err)
{
	const struct x509_client client = {
		.common_name = "pomona doctor", .key = X509_KEY_EC_P256, .days = 1};
	struct mdm *mdm = &doctor->cli->mdm;
	struct x509_issuer *issuer = NULL;
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	if (kind != ERR_OK)
		return kind;
	kind = ca_issuer(mdm, &issuer, err);
	db_rollback(mdm->db);
	if (kind == ERR_OK)
		kind = x509_issue_client(mdm->arena, issuer, &client, identity, err);
	x509_issuer_free(issuer);
	return kind;
}

/* A device's certificate has to get through to pomona-fcgi, which then says that the body is no
 * plist. */
static void
check_device(struct doctor *doctor, const char *base, const char *ca)
{
	struct x509_identity identity;
	struct probe probe = {
		.method = "PUT", .ca = ca, .body = not_a_plist, .identity = &identity};
	struct probe_answer answer;
	struct err err = {0};

	if (!doctor->has_key)
		return;
	if (make_identity(doctor, &identity, &err) != ERR_OK) {
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
		return;
	}
	if (!ask(doctor, base, &probe, "/mdm", &answer))
		return;
	if (answer.status == 400)
		doctor_say(doctor, DOCTOR_OK, NULL,
			"the web server verifies devices' certificates and passes them on");
	else
		doctor_say(doctor, DOCTOR_PROBLEM,
			"reload the web server when the device CAs have changed since it read "
			"device-ca.pem; it has to verify clients with that file and to pass "
			"SSL_CLIENT_VERIFY and SSL_CLIENT_CERT: compare its site file with "
			"Pomona's",
			"/mdm with a certificate of the device CA says %ld: %s", answer.status,
			answer.body);
}

void
doctor_check_server(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	const char *base = cli_option(cli, "url"), *ca = cli_option(cli, "ca");
	struct err err = {0};
	enum err_kind kind = base != NULL ? ERR_OK : db_begin(cli->mdm.db, DB_READ, &err);

	if (base == NULL && kind == ERR_OK) {
		kind = setting_get(&cli->mdm, "server_url", &base, &err);
		db_rollback(cli->mdm.db);
	}
	if (kind != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
	else if (base == NULL)
		doctor_say(doctor, DOCTOR_PROBLEM,
			"pomona setting set server_url https://…, or ask with --url",
			"it is not set where devices reach the server");
	else if (check_health(doctor, base, ca)) {
		check_version(doctor, base, ca);
		check_stranger(doctor, base, ca);
		check_device(doctor, base, ca);
	}
}

/* ---- APNs ---- */

/*
 * GET is answered with 405 and sends nothing to anybody; a certificate that APNs does not want is
 * answered with 403, or ends the connection.
 */
static void
ask_apns(struct doctor *doctor, const char *topic, const struct x509_identity *identity)
{
	const struct conf *conf = &doctor->cli->conf;
	struct probe probe = {.ca = conf->apns_ca, .identity = identity, .method = "GET"};
	struct arena *arena = &doctor->cli->arena;
	struct probe_answer answer;
	struct err err = {0};

	probe.url = arena_printf(arena, "%s/3/device/00", conf->apns_url);
	if (probe_ask(arena, &probe, &answer, &err) != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM,
			"may this machine open connections to APNs (port 443 or 2197)?  Has the "
			"certificate been revoked?",
			"%s, as %s: %s", conf->apns_url, topic, err.message);
	else if (!answer.is_http2)
		doctor_say(doctor, DOCTOR_PROBLEM, "is there a proxy in between?",
			"%s does not speak HTTP/2", conf->apns_url);
	else if (answer.status == 403)
		doctor_say(doctor, DOCTOR_PROBLEM, "renew it in Apple's portal",
			"APNs does not accept the certificate of %s: %s", topic, answer.body);
	else
		doctor_say(doctor, DOCTOR_OK, NULL, "%s is reached as %s", conf->apns_url, topic);
}

struct topics {
	const char *names[64];
	size_t count;
};

static enum err_kind
collect_topic(const struct push_certificate *certificate, void *context, struct err *err)
{
	struct topics *topics = context;

	(void)err;
	topics->names[topics->count++] = certificate->topic;
	return topics->count == sizeof(topics->names) / sizeof(topics->names[0]) ? ERR_NOT_FOUND
										 : ERR_OK;
}

void
doctor_check_apns(struct doctor *doctor)
{
	struct mdm *mdm = &doctor->cli->mdm;
	struct topics topics = {0};
	struct err err = {0};
	enum err_kind kind;

	if (cli_option(doctor->cli, "apns") == NULL || !doctor->has_key)
		return;
	kind = db_begin(mdm->db, DB_READ, &err);
	if (kind == ERR_OK)
		kind = push_certificate_each(mdm, collect_topic, &topics, &err);
	for (size_t i = 0; i < topics.count && kind == ERR_OK; i++) {
		struct x509_identity identity;

		if (push_certificate_load(mdm, topics.names[i], &identity, &err) == ERR_OK)
			ask_apns(doctor, topics.names[i], &identity);
		else
			doctor_say(doctor, DOCTOR_PROBLEM, "import it again", "%s", err.message);
	}
	db_rollback(mdm->db);
	if (kind != ERR_OK)
		doctor_say(doctor, DOCTOR_PROBLEM, NULL, "%s", err.message);
}
