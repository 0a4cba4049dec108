/*
 * Between an enrollment's row and the catalogue's check.
 */
#include "mdm/target.h"

#include <string.h>

/* How Apple's product and model names begin. */
static const struct {
	const char *prefix;
	enum catalogue_os os;
} families[] = {
	{"iPhone", CATALOGUE_IOS},
	{"iPad", CATALOGUE_IOS},
	{"iPod", CATALOGUE_IOS},
	{"Mac", CATALOGUE_MACOS},
	{"iMac", CATALOGUE_MACOS},
	{"VirtualMac", CATALOGUE_MACOS},
	{"Xserve", CATALOGUE_MACOS},
	{"AppleTV", CATALOGUE_TVOS},
	{"Apple TV", CATALOGUE_TVOS},
	{"RealityDevice", CATALOGUE_VISIONOS},
	{"Apple Vision", CATALOGUE_VISIONOS},
	{"Watch", CATALOGUE_WATCHOS},
	{"Apple Watch", CATALOGUE_WATCHOS},
};

bool
target_os_of(const char *product, const char *model_name, enum catalogue_os *os)
{
	const char *names[] = {product, model_name};

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
			if (names[n] != NULL && strncmp(names[n], families[i].prefix,
							strlen(families[i].prefix)) == 0) {
				*os = families[i].os;
				return true;
			}
	return false;
}

static enum catalogue_known
known_of(const struct db_row *row, size_t column)
{
	return db_is_null(row, column) ? CATALOGUE_UNKNOWN
	       : db_int(row, column)   ? CATALOGUE_YES
				       : CATALOGUE_NO;
}

/* What the kind of an enrollment tells by itself. */
static const struct {
	const char *kind;
	int channel;
	enum catalogue_known user_enrollment, shared_ipad;
} kinds[] = {
	{"device", CATALOGUE_CHANNEL_DEVICE, CATALOGUE_NO, CATALOGUE_UNKNOWN},
	{"user", CATALOGUE_CHANNEL_USER, CATALOGUE_NO, CATALOGUE_NO},
	{"shared_ipad", CATALOGUE_CHANNEL_USER, CATALOGUE_NO, CATALOGUE_YES},
	{"user_enrollment_device", CATALOGUE_CHANNEL_DEVICE, CATALOGUE_YES, CATALOGUE_NO},
	{"user_enrollment", CATALOGUE_CHANNEL_USER, CATALOGUE_YES, CATALOGUE_NO},
};

static struct target
target_of(const struct db_row *row)
{
	struct target target = {.no = db_int(row, 0), .id = db_text(row, 1)};
	struct catalogue_target *known = &target.known;
	const char *version = db_text(row, 5);

	known->has_os = target_os_of(db_text(row, 3), db_text(row, 4), &known->os);
	known->version = version == NULL ? 0 : catalogue_version_of(version);
	known->supervised = known_of(row, 6);
	known->automated = known_of(row, 7);
	known->user_approved = known_of(row, 8);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, db_text(row, 2)) == 0) {
			known->channel = kinds[i].channel;
			known->user_enrollment = kinds[i].user_enrollment;
			known->shared_ipad = kinds[i].shared_ipad;
		}
	if (known->shared_ipad == CATALOGUE_UNKNOWN)
		known->shared_ipad = known_of(row, 9);
	return target;
}

enum err_kind
target_find(struct mdm *mdm, const char *enrollment_id, struct target *target, struct err *err)
{
	struct db_row row;
	enum err_kind kind =
		db_first(mdm->db, SQL_TARGET_FIND, DB_ARGS(DB_TEXT(enrollment_id)), &row, err);

	if (kind == ERR_OK)
		*target = target_of(&row);
	return kind;
}

struct walk {
	target_each_fn each;
	void *context;
};

static enum err_kind
take_row(const struct db_row *row, void *context, struct err *err)
{
	const struct walk *walk = context;
	struct target target = target_of(row);

	return walk->each(&target, walk->context, err);
}

enum err_kind
target_each(struct mdm *mdm, int64_t after, int64_t last, target_each_fn each, void *context,
	struct err *err)
{
	struct walk walk = {each, context};

	return db_each(mdm->db, SQL_TARGET_PAGE, DB_ARGS(DB_INT(after), DB_INT(last)), take_row,
		&walk, err);
}
