/*
 * From the store to the files that a web server reads.  The CRL's first line, which readers of PEM
 * pass over, tells what state of the store it shows.
 */
#include "mdm/ca_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/replace.h"
#include "mdm/ca.h"

enum {
	CRL_MOST = 256 * 1024 * 1024,
	HEAD_MOST = 256,
	REVOKED_FIRST = 256,
	FILE_MODE = 0644,
};

#define HEAD_FORM "Pomona's CRLs: revision %" PRId64 " of CAs %64s, made at %" PRId64 "\n"

struct ca_files
ca_files_beside(struct arena *arena, const char *key_path)
{
	const char *dir = dirname(arena_strdup(arena, key_path));

	return (struct ca_files){.pem = arena_printf(arena, "%s/device-ca.pem", dir),
		.crl = arena_printf(arena, "%s/device-ca.crl", dir)};
}

/* ---- the CRLs ---- */

struct gathering {
	struct arena *arena;
	struct x509_revoked *revoked;
	size_t count, room;
};

static enum err_kind
add_revoked(const struct db_row *row, void *context, struct err *err)
{
	struct gathering *all = context;

	(void)err;
	if (all->count == all->room) {
		size_t room = all->room == 0 ? REVOKED_FIRST : 2 * all->room;
		struct x509_revoked *more = arena_alloc(all->arena, room * sizeof(*all->revoked));

		if (all->count > 0)
			memcpy(more, all->revoked, all->count * sizeof(*more));
		all->revoked = more;
		all->room = room;
	}
	all->revoked[all->count++] = (struct x509_revoked){
		.serial = db_text(row, 0), .at = db_int(row, 1), .reason = db_text(row, 2)};
	return ERR_OK;
}

struct writing {
	struct mdm *mdm;
	struct buf pem;
};

static enum err_kind
add_crl(const struct db_row *row, void *context, struct err *err)
{
	struct writing *writing = context;
	struct mdm *mdm = writing->mdm;
	struct gathering all = {.arena = mdm->arena};
	struct x509_identity ca = {.cert_pem = db_text(row, 1)};
	struct x509_issuer *issuer = NULL;
	struct x509_crl_plan plan;
	const char *pem = NULL;
	size_t len;
	const void *sealed = db_blob(row, 2, &len);
	enum err_kind kind = ca_open_key(mdm, db_text(row, 0), sealed, len, &ca.key_pem, err);

	if (kind == ERR_OK)
		kind = x509_issuer_new(&ca, &issuer, err);
	if (kind == ERR_OK)
		kind = db_each(mdm->db, SQL_AUTHORITY_REVOKED,
			DB_ARGS(DB_TEXT(x509_issuer_hash(issuer)), DB_INT(clock_now())),
			add_revoked, &all, err);
	plan = (struct x509_crl_plan){.revoked = all.revoked,
		.count = all.count,
		.number = clock_now(),
		.days = CA_FILES_CRL_DAYS};
	if (kind == ERR_OK)
		kind = x509_write_crl(mdm->arena, issuer, &plan, &pem, err);
	x509_issuer_free(issuer);
	if (kind != ERR_OK)
		return kind;
	buf_str(&writing->pem, pem);
	buf_str(&writing->pem, db_is_null(row, 3) ? "" : db_text(row, 3));
	return ERR_OK;
}

static enum err_kind
write_crls(struct mdm *mdm, struct writing *writing, struct err *err)
{
	enum err_kind kind = db_each(mdm->db, SQL_AUTHORITY_SIGNERS, DB_ARGS(DB_INT(clock_now())),
		add_crl, writing, err);

	if (kind == ERR_OK && writing->pem.full)
		return err_set(err, ERR_TOO_LARGE, "the CRLs are too large");
	return kind;
}

enum err_kind
ca_files_crl(struct mdm *mdm, const char **pem, struct err *err)
{
	struct writing writing = {.mdm = mdm};
	enum err_kind kind;

	buf_init(&writing.pem, mdm->arena, CRL_MOST);
	kind = write_crls(mdm, &writing, err);
	*pem = kind == ERR_OK ? writing.pem.bytes : NULL;
	return kind;
}

/* ---- the files ---- */

/* What the store says. */
struct wanted {
	const char *trusted;
	char hash[X509_HASH_SIZE]; /* of that */
	int64_t revision;
};

/* The beginning of the file, NUL-terminated: at most SIZE - 1 bytes.  "" when it cannot be read. */
static size_t
read_start(const char *path, char *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	while (fd >= 0 && got > 0 && len < size - 1) {
		got = read(fd, bytes + len, size - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	if (fd >= 0)
		close(fd);
	bytes[len] = '\0';
	return len;
}

static bool
pem_is_current(struct arena *arena, const char *path, const struct wanted *wanted)
{
	size_t len = strlen(wanted->trusted);
	char *there = arena_alloc(arena, len + 2);

	return read_start(path, there, len + 2) == len && strcmp(there, wanted->trusted) == 0;
}

static bool
crl_is_current(const char *path, const struct wanted *wanted)
{
	char head[HEAD_MOST], hash[X509_HASH_SIZE];
	int64_t revision, made_at, now = clock_now();

	read_start(path, head, sizeof(head));
	return sscanf(head, HEAD_FORM, &revision, hash, &made_at) == 3 &&
	       revision == wanted->revision && strcmp(hash, wanted->hash) == 0 && made_at <= now &&
	       made_at > now - CA_FILES_RENEW_MS;
}

static enum err_kind
read_wanted(struct mdm *mdm, struct wanted *wanted, struct err *err)
{
	struct db_row row;
	enum err_kind kind = ca_trusted(mdm, &wanted->trusted, err);

	if (kind == ERR_OK)
		kind = db_first(mdm->db, SQL_AUTHORITY_REVISION, DB_NONE, &row, err);
	if (kind != ERR_OK)
		return kind;
	wanted->revision = db_int(&row, 0);
	x509_hash(wanted->trusted, strlen(wanted->trusted), wanted->hash);
	return ERR_OK;
}

/* In a read transaction: what has to be written. */
static enum err_kind
prepare(struct mdm *mdm, const struct ca_files *files, struct wanted *wanted,
	struct ca_files_done *todo, struct writing *crl, struct err *err)
{
	enum err_kind kind = read_wanted(mdm, wanted, err);

	if (kind != ERR_OK)
		return kind;
	todo->pem = !pem_is_current(mdm->arena, files->pem, wanted);
	todo->crl = !crl_is_current(files->crl, wanted);
	if (!todo->crl)
		return ERR_OK;
	buf_init(&crl->pem, mdm->arena, CRL_MOST);
	buf_printf(&crl->pem, HEAD_FORM, wanted->revision, wanted->hash, clock_now());
	return write_crls(mdm, crl, err);
}

enum err_kind
ca_files_refresh(
	struct mdm *mdm, const struct ca_files *files, struct ca_files_done *done, struct err *err)
{
	struct ca_files_done todo = {0};
	struct writing crl = {.mdm = mdm};
	struct wanted wanted;
	enum err_kind kind = db_begin(mdm->db, DB_READ, err);

	*done = (struct ca_files_done){0};
	if (kind != ERR_OK)
		return kind;
	kind = prepare(mdm, files, &wanted, &todo, &crl, err);
	db_rollback(mdm->db);
	if (kind == ERR_OK && todo.pem) {
		kind = replace_file(
			files->pem, wanted.trusted, strlen(wanted.trusted), FILE_MODE, err);
		done->pem = kind == ERR_OK;
	}
	if (kind == ERR_OK && todo.crl) {
		kind = replace_file(files->crl, crl.pem.bytes, crl.pem.len, FILE_MODE, err);
		done->crl = kind == ERR_OK;
	}
	return kind;
}
