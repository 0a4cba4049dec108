/*
 * Every command of the catalogue is answered, with all the keys that the catalogue lists, and what
 * is not for a device, or not well formed, is refused.
 */
#include "sim_ask.h"

#include "mdm/catalogue_sample.h"

/* Keys that no device without a fault gives. */
static const char *const faults[] = {"ErrorChain", "RejectionReason", "DeviceRequestReturnError"};

struct asking {
	const struct catalogue_request *request;
	enum catalogue_os os;
	const char *device;
};

/* ---- what is asked ---- */

static bool
wants_of_os(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place)
{
	const struct asking *asking = sampler->context;
	const struct catalogue_fact *fact =
		catalogue_fact_of(place->key->facts, place->key->fact_count, asking->os);

	return fact == NULL || !fact->unsupported;
}

/* All values an element of Queries may have; for one app, the one that is there. */
static struct plist *
value_of(const struct catalogue_sampler *sampler, const struct catalogue_sample_place *place)
{
	struct plist *all;

	if (strcmp(place->name, "Queries") != 0 || place->key->type != PLIST_ARRAY)
		return NULL;
	all = plist_array(sampler->arena);
	for (size_t i = 0; i < place->key[1].value_count; i++)
		plist_append(all, plist_string(sampler->arena, place->key[1].values[i].text));
	return all;
}

static struct plist *
fullest_command(struct asking *asking)
{
	struct catalogue_sampler sampler = {
		.arena = &arena, .wants = wants_of_os, .value = value_of, .context = asking};
	struct catalogue_sample_place root = {.key = asking->request->payload, .name = ""};

	return catalogue_sample(&sampler, &root);
}

/* ---- what is answered ---- */

static bool
is_fault(const char *name)
{
	for (size_t i = 0; i < COUNT(faults); i++)
		if (strcmp(faults[i], name) == 0)
			return true;
	return false;
}

/* Some queries are an iPad's and not an iPhone's; NULL: this is none of them. */
static const struct plist *
ask_an_ipad(const struct asking *asking, const char *query)
{
	const char *json = arena_printf(&arena, "{\"Queries\":[\"%s\"]}", query);

	if (strcmp(asking->request->name, "DeviceInformation") != 0 ||
		asking->os == CATALOGUE_MACOS)
		return NULL;
	return plist_get(plist_get(sim_ask_json(sim_device(PERSONA_IPAD, NULL), "DeviceInformation",
					   json, "Acknowledged"),
				 "QueryResponses"),
		query);
}

static void check_value(const struct asking *asking, const struct catalogue_key *key,
	const struct plist *value, const char *path);

static void
check_dict(const struct asking *asking, const struct catalogue_key *parent,
	const struct plist *dict, const char *path)
{
	struct catalogue_sampler sampler = {.context = (void *)asking};

	for (const struct catalogue_key *key = catalogue_first(parent);
		key != catalogue_end(parent); key = catalogue_next(key)) {
		const struct plist *value = plist_get(dict, key->name);
		const char *inner = arena_printf(&arena, "%s.%s", path, key->name);
		struct catalogue_sample_place place = {.key = key, .name = key->name};

		if (is_fault(key->name) || !wants_of_os(&sampler, &place))
			continue;
		if (strcmp(key->name, "*") == 0)
			value = dict->as.items.first;
		if (value == NULL)
			value = ask_an_ipad(asking, key->name);
		if (value == NULL)
			fail_msg("%s on %s: no %s", asking->request->name, asking->device, inner);
		check_value(asking, key, value, inner);
	}
}

static void
check_value(const struct asking *asking, const struct catalogue_key *key, const struct plist *value,
	const char *path)
{
	/* Settings: the schema describes one element of the array that devices give */
	if (strcmp(asking->request->name, "Settings") == 0 && value->type == PLIST_ARRAY &&
		key->type == PLIST_DICT)
		return;
	if (!key->any && value->type != key->type)
		fail_msg("%s on %s: %s is a %s", asking->request->name, asking->device, path,
			plist_type_name(value->type));
	if (key->any)
		return;
	if (key->type == PLIST_DICT)
		check_dict(asking, key, value, path);
	if (key->type != PLIST_ARRAY || catalogue_first(key) == catalogue_end(key))
		return;
	for (const struct plist *item = value->as.items.first; item != NULL; item = item->next)
		check_value(asking, catalogue_first(key), item, path);
}

/* Asked of: the newest that still knows it. */
static const char *
fitting_device(const struct catalogue_request *request, enum catalogue_os os)
{
	const struct catalogue_fact *fact =
		catalogue_fact_of(request->facts, request->fact_count, os);
	enum persona_kind kind = os == CATALOGUE_MACOS ? PERSONA_MAC : PERSONA_IPHONE;

	if (fact == NULL || fact->unsupported)
		return NULL;
	if (fact->removed != 0 && fact->removed <= CATALOGUE_VERSION(13, 0, 0))
		return NULL;
	return sim_device(kind, fact->removed != 0 ? "26.2" : "27.0");
}

static void
reset_state(void)
{
	if (state != NULL)
		device_state_release(state);
	free(state);
	state = NULL;
}

/* Commands that have to be prepared, or told something that is there. */
static struct plist *
prepare(const struct asking *asking)
{
	static const struct {
		const char *request, *before, *before_args, *args; /* BEFORE NULL: nothing */
	} preparations[] = {
		{"ApplyRedemptionCode", "InstallApplication",
			"{\"Identifier\":\"org.example.app\",\"Options\":{\"PurchaseMethod\":0}}",
			NULL},
		{"DeviceLocation", "EnableLostMode", "{\"Message\":\"x\"}", NULL},
		{"DisableLostMode", "EnableLostMode", "{\"Message\":\"x\"}", NULL},
		{"PlayLostModeSound", "EnableLostMode", "{\"Message\":\"x\"}", NULL},
		{"RemoveApplication", "InstallApplication", "{\"Identifier\":\"org.example.app\"}",
			NULL},
		{"ManagedMediaList", "InstallMedia",
			"{\"iTunesStoreID\":1,\"MediaType\":\"Book\",\"PersistentID\":\"b\","
			"\"Kind\":\"pdf\",\"Version\":\"1\",\"Author\":\"a\",\"Title\":\"t\"}",
			NULL},
		{"DeleteUser", NULL, NULL, "{\"UserName\":\"mei\"}"},
		{"UnlockUserAccount", NULL, NULL, "{\"UserName\":\"mei\"}"},
		{"RotateFileVaultKey", NULL, NULL,
			"{\"KeyType\":\"personal\",\"FileVaultUnlock\":{\"Password\":\"x\"}}"},
		{"RemoveProfile", NULL, NULL, "{\"Identifier\":\"org.example.passcode\"}"},
	};
	struct plist *args = NULL;

	for (size_t i = 0; i < COUNT(preparations); i++) {
		if (strcmp(preparations[i].request, asking->request->name) != 0)
			continue;
		if (preparations[i].before != NULL && asking->os == CATALOGUE_IOS)
			sim_ask_json(asking->device, preparations[i].before,
				preparations[i].before_args, "Acknowledged");
		else if (preparations[i].before != NULL)
			sim_ask_json(asking->device, "InstallEnterpriseApplication",
				"{\"ManifestURL\":\"https://x/app.plist\"}", "Acknowledged");
		if (preparations[i].args != NULL)
			plist_read_json(plist_limits_default(), &arena, preparations[i].args,
				strlen(preparations[i].args), &args, NULL);
	}
	return args;
}

/* Those whose arguments are files or tokens that only a test of their own can make. */
static bool
is_elsewhere(const char *request)
{
	static const char *const others[] = {"ClearPasscode", "InstallProfile",
		"InstallProvisioningProfile", "RemoveProvisioningProfile", "SetAutoAdminPassword",
		"InviteToProgram"};

	for (size_t i = 0; i < COUNT(others) - 1; i++)
		if (strcmp(request, others[i]) == 0)
			return true;
	return false;
}

static void
ask_for_all(const struct catalogue_request *request, enum catalogue_os os, unsigned *count)
{
	struct asking asking = {.request = request, .os = os};
	struct plist *args;
	struct answer answer;

	asking.device = fitting_device(request, os);
	if (asking.device == NULL)
		return;
	reset_state();
	args = prepare(&asking);
	if (args == NULL)
		args = fullest_command(&asking);
	answer = sim_ask(asking.device, request->name, args);
	(*count)++;
	if (is_elsewhere(request->name)) {
		assert_string_equal(answer.status, "Error");
		return;
	}
	if (strcmp(answer.status, "Acknowledged") != 0) {
		struct buf buf;

		buf_init(&buf, &arena, 1 << 20);
		plist_write_json(&buf, answer.message, false);
		fail_msg("%s on %s: %s", request->name, asking.device, buf.bytes);
	}
	if (request->response != NULL)
		check_dict(&asking, request->response, answer.message, "");
}

static void
test_every_command(void **unused)
{
	const struct catalogue_request *request;
	unsigned all = 0;

	(void)unused;
	for (size_t i = 0; (request = catalogue_row(i)) != NULL; i++) {
		unsigned count = 0;

		ask_for_all(request, CATALOGUE_IOS, &count);
		ask_for_all(request, CATALOGUE_MACOS, &count);
		if (count == 0)
			fail_msg("no simulated device knows %s", request->name);
		all += count;
	}
	assert_true(all > 100);
}

/* ---- what is refused ---- */

static const struct {
	enum persona_kind kind;
	const char *version, *request, *args;
	const char *status;
	int64_t code;
} refused[] = {
	/* another OS, before its time, after it */
	{PERSONA_MAC, NULL, "EnableLostMode", "{\"Message\":\"x\"}", "Error", 12021},
	{PERSONA_IPHONE, NULL, "SetRecoveryLock", "{\"NewPassword\":\"x\"}", "Error", 12021},
	{PERSONA_IPAD, "26.2", "CancelEnhancedLogCollection", NULL, "Error", 12021},
	{PERSONA_IPAD, "27.0", "AvailableOSUpdates", NULL, "Error", 12021},
	{PERSONA_IPAD, "27.0", "NoSuchRequest", NULL, "Error", 12021},
	/* missing, or of the wrong type */
	{PERSONA_IPHONE, NULL, "RemoveApplication", NULL, "CommandFormatError", 0},
	{PERSONA_IPHONE, NULL, "RemoveApplication", "{\"Identifier\":1}", "CommandFormatError", 0},
	{PERSONA_IPHONE, NULL, "Settings", "{\"Settings\":[1]}", "Acknowledged", 0},
	{PERSONA_IPHONE, NULL, "Settings", "{\"Settings\":{}}", "CommandFormatError", 0},
	{PERSONA_MAC, NULL, "RotateFileVaultKey", "{\"KeyType\":\"personal\"}",
		"CommandFormatError", 0},
	/* well formed, but there is nothing like it */
	{PERSONA_IPHONE, NULL, "DisableLostMode", NULL, "Error", 12067},
	{PERSONA_IPHONE, NULL, "DeviceLocation", NULL, "Error", 12067},
	{PERSONA_IPAD, NULL, "DeleteUser", "{\"UserName\":\"nobody\"}", "Error", 12071},
	{PERSONA_IPAD, NULL, "DeleteUser", "{\"UserName\":\"amara\"}", "Error", 12072},
	{PERSONA_IPAD, NULL, "DeleteUser", "{\"UserName\":\"jonas\"}", "Error", 12073},
	{PERSONA_MAC, NULL, "DeleteUser", "{\"UserName\":\"amara\"}", "Error", 12074},
	{PERSONA_IPHONE, NULL, "RemoveApplication", "{\"Identifier\":\"none\"}", "Error", 12029},
	{PERSONA_MAC, NULL, "SetAutoAdminPassword", "{\"GUID\":\"x\",\"passwordHash\":\"AA==\"}",
		"CommandFormatError", 0}, /* JSON has no data */
};

static void
test_refused(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *device = sim_device(refused[i].kind, refused[i].version);
		const struct plist *answer = sim_ask_json(
			device, refused[i].request, refused[i].args, refused[i].status);
		const struct plist *chain = plist_get_typed(answer, "ErrorChain", PLIST_ARRAY);
		int64_t code = 0;

		if (refused[i].code == 0) {
			assert_null(chain);
			continue;
		}
		assert_non_null(chain);
		assert_true(plist_get_int64(chain->as.items.first, "ErrorCode", &code));
		if (code != refused[i].code)
			fail_msg("%s: %lld", refused[i].request, (long long)code);
	}
}

/* As a real one answers (12021), and so does one of Apple's. */
static void
test_unsupervised(void **unused)
{
	struct persona persona;
	const char *name = NULL;

	(void)unused;
	for (int i = 0; name == NULL; i++) {
		persona_make(&persona, arena_printf(&arena, "device-%d", i));
		if (persona.model->kind == PERSONA_IPHONE && !persona_is_supervised(&persona))
			name = persona.name;
	}
	sim_ask_json(name, "RestartDevice", NULL, "Error");
	sim_ask_json(sim_device(PERSONA_IPHONE, NULL), "RestartDevice", NULL, "Acknowledged");
	sim_ask_json(name, "DeviceLock", NULL, "Acknowledged");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_command, sim_setup, sim_teardown),
		cmocka_unit_test_setup_teardown(test_refused, sim_setup, sim_teardown),
		cmocka_unit_test_setup_teardown(test_unsupervised, sim_setup, sim_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
