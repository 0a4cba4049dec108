#include "worker/certificates.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "mdm/ca.h"
#include "mdm/expiry.h"
#include "worker/work.h"

enum {
	LOOK_EVERY_US = 1000 * 1000,
	WARN_EVERY_US = 10 * 60 * 1000 * 1000,
	WARN_MOST = 100, /* identities in one transaction */
	TOLD_MOST = 2 * WARN_MOST,
};

struct certificates
certificates_new(struct mdm *mdm, const struct conf *conf)
{
	return (struct certificates){.mdm = mdm, .key_path = conf->key};
}

/* ---- the CA and the files ---- */

static enum err_kind
activate(struct mdm *mdm, void *context, struct err *err)
{
	return ca_activate_when_due(mdm, context, err);
}

static void
activate_when_due(struct certificates *certificates)
{
	const char *name = NULL;
	struct err err = {0};

	if (work_do(certificates->mdm, activate, &name, &err) != ERR_OK)
		log_line(LOG_WARNING, "the next device CA cannot be activated now", "error",
			err.message, NULL);
	else if (name != NULL)
		log_line(LOG_INFO, "another device CA issues from now on", "name", name, NULL);
}

static void
refresh_files(struct certificates *certificates)
{
	struct ca_files files = ca_files_beside(certificates->mdm->arena, certificates->key_path);
	struct ca_files_done done;
	struct err err = {0};
	enum err_kind kind = ca_files_refresh(certificates->mdm, &files, &done, &err);

	if (done.pem)
		log_line(LOG_INFO, "device CAs written", "file", files.pem, NULL);
	if (done.crl)
		log_line(LOG_INFO, "CRLs written", "file", files.crl, NULL);
	if (kind != ERR_OK && kind != ERR_NOT_FOUND && !certificates->complained)
		log_line(LOG_WARNING, "the files for the web server cannot be written", "error",
			err.message, NULL);
	certificates->complained = kind != ERR_OK;
}

/* ---- what ends soon ---- */

/* A warning is told of when it is on record. */
struct warnings {
	int64_t count;
	struct {
		const char *what, *whose;
		int64_t not_after;
	} told[TOLD_MOST];
	int64_t told_count;
};

static enum err_kind
take_warning(const struct expiry *expiry, void *context, struct err *err)
{
	struct warnings *warnings = context;

	(void)err;
	if (warnings->told_count == TOLD_MOST)
		return ERR_OK;
	warnings->told[warnings->told_count].what = expiry->what;
	warnings->told[warnings->told_count].whose = expiry->whose;
	warnings->told[warnings->told_count++].not_after = expiry->not_after;
	return ERR_OK;
}

static enum err_kind
warn(struct mdm *mdm, void *context, struct err *err)
{
	struct warnings *warnings = context;

	warnings->told_count = 0;
	return expiry_warn(mdm, WARN_MOST, &warnings->count, take_warning, warnings, err);
}

static void
warn_when_due(struct certificates *certificates, int64_t now)
{
	struct mdm *mdm = certificates->mdm;
	struct warnings *warnings = arena_calloc(mdm->arena, 1, sizeof(*warnings));
	char when[CLOCK_ISO_SIZE];
	struct err err = {0};

	if (work_do(mdm, warn, warnings, &err) != ERR_OK) {
		log_line(LOG_WARNING, "certificates that end soon cannot be looked for now",
			"error", err.message, NULL);
		warnings->told_count = 0;
	}
	for (int64_t i = 0; i < warnings->told_count; i++)
		log_line(LOG_WARNING, "a certificate ends soon", "what", warnings->told[i].what,
			"whose", warnings->told[i].whose, "not_after",
			clock_iso(warnings->told[i].not_after, when), NULL);
	/* When it were as many as may be, there may be more. */
	certificates->next_warning = warnings->count == WARN_MOST ? now : now + WARN_EVERY_US;
}

void
certificates_round(struct certificates *certificates)
{
	int64_t now = clock_ticks_us();

	if (now < certificates->next_look)
		return;
	activate_when_due(certificates);
	refresh_files(certificates);
	if (now >= certificates->next_warning)
		warn_when_due(certificates, now);
	certificates->next_look = now + LOOK_EVERY_US;
}
