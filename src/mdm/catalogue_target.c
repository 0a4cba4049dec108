/*
 * Does this device take such a command?  The facts of its OS, from the command down to each key
 * that is given; those of a level that are not said are the ones of the level above.
 */
#include <string.h>

#include "mdm/catalogue_parts.h"

/* A check on its way: what is known of the device, besides. */
struct look {
	struct catalogue_check check;
	const struct catalogue_target *target;
};

/* "needs iOS 16.0; the device has 15.7" */
static const char *
since(const struct look *look, const char *verb, int version)
{
	char a[CATALOGUE_VERSION_SIZE], b[CATALOGUE_VERSION_SIZE];
	const char *os = catalogue_os_name(look->target->os);

	return arena_printf(look->check.arena, "%s %s %s; the device has %s", verb, os,
		catalogue_version_text(version, a),
		catalogue_version_text(look->target->version, b));
}

/* ---- what each fact refuses: a text, or NULL ---- */

static const char *
refused_by_os(const struct look *look, const struct catalogue_fact *fact)
{
	int version = look->target->version;

	if (fact->unsupported)
		return arena_printf(
			look->check.arena, "is not for %s", catalogue_os_name(look->target->os));
	if (version == 0)
		return NULL;
	if (version < fact->introduced)
		return since(look, "needs", fact->introduced);
	if (fact->removed != 0 && version >= fact->removed)
		return since(look, "is gone since", fact->removed);
	return NULL;
}

static const char *
refused_by_supervision(const struct look *look, const struct catalogue_fact *fact)
{
	if (fact->supervised && look->target->supervised == CATALOGUE_NO)
		return "needs a supervised device";
	if (fact->automated && look->target->automated == CATALOGUE_NO)
		return "needs a device enrolled by Automated Device Enrollment";
	if (fact->user_approved && look->target->user_approved == CATALOGUE_NO)
		return "needs an enrollment that the user has approved of";
	return NULL;
}

static const char *
refused_by_enrollment(const struct look *look, const struct catalogue_fact *fact)
{
	const struct catalogue_target *target = look->target;

	if (fact->user_enrollment == CATALOGUE_MODE_FORBIDDEN &&
		target->user_enrollment == CATALOGUE_YES)
		return "is not for a User Enrollment";
	if (fact->user_enrollment == CATALOGUE_MODE_REQUIRED &&
		target->user_enrollment == CATALOGUE_NO)
		return "needs a User Enrollment";
	if (fact->shared_ipad == CATALOGUE_MODE_FORBIDDEN && target->shared_ipad == CATALOGUE_YES)
		return "is not for a Shared iPad";
	if (fact->shared_ipad == CATALOGUE_MODE_REQUIRED && target->shared_ipad == CATALOGUE_NO)
		return "needs a Shared iPad";
	return NULL;
}

/* An iPad has the channels of a Shared iPad, or its own: where it is not known which it is, both
 * will do. */
static const char *
refused_by_channel(const struct look *look, const struct catalogue_fact *fact)
{
	const struct catalogue_target *target = look->target;
	int channels = 0;

	if (target->shared_ipad != CATALOGUE_YES || target->os != CATALOGUE_IOS)
		channels |= fact->channels;
	if (target->shared_ipad != CATALOGUE_NO && target->os == CATALOGUE_IOS)
		channels |= fact->shared_channels == 0 ? fact->channels : fact->shared_channels;
	if (target->channel == 0 || (channels & target->channel) != 0)
		return NULL;
	return target->channel == CATALOGUE_CHANNEL_USER
		       ? "cannot be sent on a user channel, only to the device"
		       : "cannot be sent to the device, only on a user channel";
}

static const char *
refused(const struct look *look, const struct catalogue_fact *fact)
{
	static const char *(*const reasons[])(
		const struct look *look, const struct catalogue_fact *fact) = {
		refused_by_os, refused_by_enrollment, refused_by_supervision, refused_by_channel};
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]) && text == NULL; i++)
		text = reasons[i](look, fact);
	return text;
}

/* What is taken, and does nothing, or not for long. */
static const char *
remarked(const struct look *look, const struct catalogue_fact *own)
{
	char version[CATALOGUE_VERSION_SIZE];

	if (own->user_enrollment == CATALOGUE_MODE_IGNORED &&
		look->target->user_enrollment == CATALOGUE_YES)
		return "takes no effect in a User Enrollment";
	if (own->shared_ipad == CATALOGUE_MODE_IGNORED &&
		look->target->shared_ipad == CATALOGUE_YES)
		return "takes no effect on a Shared iPad";
	if (own->deprecated != 0 && look->target->version >= own->deprecated)
		return arena_printf(look->check.arena, "is deprecated since %s %s",
			catalogue_os_name(look->target->os),
			catalogue_version_text(own->deprecated, version));
	return NULL;
}

/* ---- walking ---- */

static enum err_kind look_at_value(const struct look *look, const struct catalogue_key *key,
	struct catalogue_fact known, const struct plist *value,
	const struct catalogue_place *place);

static enum err_kind
look_at_dict(const struct look *look, const struct catalogue_key *parent,
	const struct catalogue_fact *known, const struct plist *dict,
	const struct catalogue_place *place)
{
	enum err_kind kind = ERR_OK;

	for (const struct plist *value = dict->as.items.first; value != NULL && kind == ERR_OK;
		value = value->next) {
		const struct catalogue_place child = {.up = place, .name = value->key};
		const struct catalogue_key *key = catalogue_subkey(parent, value->key);

		if (key == NULL)
			key = catalogue_wildcard(parent);
		if (key != NULL)
			kind = look_at_value(look, key, *known, value, &child);
	}
	return kind;
}

static enum err_kind
look_at_array(const struct look *look, const struct catalogue_key *key,
	const struct catalogue_fact *known, const struct plist *array,
	const struct catalogue_place *place)
{
	struct catalogue_place child = {.up = place};
	enum err_kind kind = ERR_OK;

	for (const struct plist *value = array->as.items.first; value != NULL && kind == ERR_OK;
		value = value->next, child.index++) {
		const struct catalogue_key *item = catalogue_shape(key, value);

		if (item != NULL)
			kind = look_at_value(look, item, *known, value, &child);
	}
	return kind;
}

/* A value with facts of its own: the device leaves out what it does not know. */
static void
look_at_choice(const struct look *look, const struct catalogue_key *key,
	struct catalogue_fact known, const struct plist *value, const struct catalogue_place *place)
{
	for (size_t i = 0; i < key->value_count; i++) {
		const struct catalogue_value *choice = &key->values[i];
		const struct catalogue_fact *own;
		const char *text;

		if (choice->fact_count == 0 || !catalogue_is(value, choice->text))
			continue;
		own = catalogue_fact_of(choice->facts, choice->fact_count, look->target->os);
		if (own == NULL)
			return;
		catalogue_fact_over(&known, own);
		text = refused(look, &known);
		if (text == NULL)
			text = remarked(look, own);
		if (text != NULL)
			catalogue_remark(&look->check, place, NULL,
				arena_printf(look->check.arena, "(%s) %s", choice->text, text));
		return;
	}
}

static enum err_kind
look_at_value(const struct look *look, const struct catalogue_key *key, struct catalogue_fact known,
	const struct plist *value, const struct catalogue_place *place)
{
	const struct catalogue_fact *own =
		catalogue_fact_of(key->facts, key->fact_count, look->target->os);
	const char *text;

	if (own != NULL) {
		catalogue_fact_over(&known, own);
		text = refused(look, &known);
		if (text != NULL)
			return catalogue_refuse(&look->check, place, NULL, text);
		text = remarked(look, own);
		if (text != NULL)
			catalogue_remark(&look->check, place, NULL, text);
	}
	if (key->any)
		return ERR_OK;
	if (value->type == PLIST_DICT)
		return look_at_dict(look, key, &known, value, place);
	if (value->type == PLIST_ARRAY)
		return look_at_array(look, key, &known, value, place);
	if (look->check.options.remarks != NULL)
		look_at_choice(look, key, known, value, place);
	return ERR_OK;
}

/* The command itself: "X is not for tvOS", without a key. */
static enum err_kind
look_at_request(const struct look *look, const struct catalogue_fact *fact)
{
	const char *name = look->check.request->name;
	const char *text = refused(look, fact);

	if (text != NULL)
		return err_set(look->check.err, ERR_BAD_INPUT, "%s %s", name, text);
	text = remarked(look, fact);
	if (text != NULL)
		catalogue_remark_add(look->check.options.remarks, look->check.arena,
			arena_printf(look->check.arena, "%s %s", name, text));
	return ERR_OK;
}

enum err_kind
catalogue_check_target(struct arena *arena, const struct catalogue_request *request,
	const struct plist *args, const struct catalogue_target *target,
	struct catalogue_remarks *remarks, struct err *err)
{
	struct err local;
	const struct look look = {
		.check = {.arena = arena,
			.request = request,
			.options = {.remarks = remarks},
			.err = err != NULL ? err : &local},
		.target = target,
	};
	const struct catalogue_place root = {0};
	const struct catalogue_fact *fact;

	if (!target->has_os)
		return ERR_OK;
	fact = catalogue_fact_of(request->facts, request->fact_count, target->os);
	if (fact == NULL)
		return err_set(err, ERR_BAD_INPUT, "%s is not for %s", request->name,
			catalogue_os_name(target->os));
	if (look_at_request(&look, fact) != ERR_OK)
		return look.check.err->kind;
	return args == NULL || args->type != PLIST_DICT
		       ? ERR_OK
		       : look_at_dict(&look, request->payload, fact, args, &root);
}
