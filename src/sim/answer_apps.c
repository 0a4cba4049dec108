/*
 * InstalledApplicationList: 10 to 40 apps of a small shop, which of them goes by the device's name.
 */
#include "sim/answer_work.h"

#include <string.h>

enum { APPS_LEAST = 10, APPS_SPREAD = 31, MANAGED_EVERY = 4 };

static const struct answer_app mobile_apps[] = {
	{"1Password", "com.agilebits.onepassword-ios", "8.10.44", "81044009", 98304},
	{"Acrobat", "com.adobe.Adobe-Reader", "24.9.0", "24.9.0.1041", 301056},
	{"Authenticator", "com.microsoft.azureauthenticator", "6.8.12", "6.8.12.1", 142336},
	{"Box", "net.box.BoxNet", "5.26", "5.26.1", 166912},
	{"Calculator", "com.apple.calculator", "1.0", "1", 3072},
	{"Chrome", "com.google.chrome.ios", "129.0.6668", "129.0.6668.46", 178176},
	{"Clips", "com.apple.clips", "3.1.4", "1180", 59392},
	{"Concur", "com.concur.concurmobile", "11.12", "11.12.0.1", 121856},
	{"Contacts", "com.apple.MobileAddressBook", "1.0", "1.0", 2048},
	{"DocuSign", "com.docusign.DocuSignIt", "3.56", "3.56.0", 134144},
	{"Drive", "com.google.Drive", "4.2435", "4.2435.10101", 252928},
	{"Dropbox", "com.getdropbox.Dropbox", "392.2", "392.2.2", 259072},
	{"Edge", "com.microsoft.msedge", "128.0.2739", "128.2739.64", 246784},
	{"Excel", "com.microsoft.Office.Excel", "2.89", "2.89.24090815", 328704},
	{"Figma", "com.figma.FigmaPrototype", "23.4.0", "2340", 76800},
	{"GarageBand", "com.apple.mobilegarageband", "2.3.16", "4325", 1638400},
	{"GitHub", "com.github.stormbreaker.prod", "1.184", "18401", 48128},
	{"Gmail", "com.google.Gmail", "6.0.240826", "6.0.240826.1719", 307200},
	{"Jira", "com.atlassian.jira.app", "160.0", "160.0.2", 152576},
	{"Keynote", "com.apple.Keynote", "14.2", "7041.0.109", 522240},
	{"Maps", "com.apple.Maps", "1.0", "1", 5120},
	{"Meet", "com.google.meetings", "258.0", "258.0.671236", 188416},
	{"Notion", "notion.id", "1.7.189", "10718900", 88064},
	{"Numbers", "com.apple.Numbers", "14.2", "7041.0.109", 495616},
	{"OneDrive", "com.microsoft.skydrive", "16.10.4", "16.10.4", 198656},
	{"OneNote", "com.microsoft.onenote", "16.89", "16.89.24090815", 284672},
	{"Outlook", "com.microsoft.Office.Outlook", "4.2435.0", "42435000", 354304},
	{"Pages", "com.apple.Pages", "14.2", "7041.0.109", 508928},
	{"PowerPoint", "com.microsoft.Office.Powerpoint", "2.89", "2.89.24090815", 316416},
	{"Salesforce", "com.salesforce.chatter", "250.030", "250030", 142336},
	{"SAP Concur", "com.sap.concur.pass", "4.1.0", "410", 64512},
	{"Signal", "org.whispersystems.signal", "7.26", "7.26.0.83", 147456},
	{"Slack", "com.tinyspeck.chatlyio", "24.09.20", "498411", 214016},
	{"Teams", "com.microsoft.skype.teams", "6.16.1", "6.16.1.70", 344064},
	{"Time Sheets", "org.example.timesheets", "3.2", "321", 18432},
	{"Translate", "com.google.Translate", "8.14.404", "8.14.404.0", 96256},
	{"Visitor Desk", "org.example.visitors", "1.9.1", "191", 22528},
	{"Warehouse", "org.example.warehouse", "2.14", "2140", 41984},
	{"Webex", "com.webex.meeting", "44.9", "44.9.0.1", 203776},
	{"Word", "com.microsoft.Office.Word", "2.89", "2.89.24090815", 331776},
	{"WhatsApp", "net.whatsapp.WhatsApp", "24.17.78", "594862315", 229376},
	{"Zoom", "us.zoom.videomeetings", "6.1.11", "17600", 165888},
};

static const struct answer_app mac_apps[] = {
	{"1Password", "com.1password.1password", "8.10.44", "81044034", 512000},
	{"Acrobat Reader", "com.adobe.Reader", "24.003.20112", "24.003.20112", 1228800},
	{"Automator", "com.apple.Automator", "2.10", "528", 7168},
	{"Books", "com.apple.iBooksX", "6.5", "5987", 52224},
	{"Calculator", "com.apple.calculator", "10.16", "237", 6144},
	{"Calendar", "com.apple.iCal", "14.0", "2823.2.1", 24576},
	{"Chess", "com.apple.Chess", "3.18", "444", 9216},
	{"Docker", "com.docker.docker", "4.34.2", "167172", 1945600},
	{"Dictionary", "com.apple.Dictionary", "2.3.0", "294", 7168},
	{"Figma", "com.figma.Desktop", "124.3.2", "124.3.2", 235520},
	{"Firefox", "org.mozilla.firefox", "130.0.1", "13024.9.16", 389120},
	{"FaceTime", "com.apple.FaceTime", "36", "1.0", 10240},
	{"Font Book", "com.apple.FontBook", "11.0", "459.2", 14336},
	{"Freeform", "com.apple.freeform", "2.5", "1143.5.4", 78848},
	{"Google Chrome", "com.google.Chrome", "129.0.6668.59", "6668.59", 655360},
	{"GitHub Desktop", "com.github.GitHubClient", "3.4.3", "3.4.3", 368640},
	{"iMovie", "com.apple.iMovieApp", "10.4.2", "429028", 3563520},
	{"Keynote", "com.apple.iWork.Keynote", "14.2", "7041.0.109", 704512},
	{"Mail", "com.apple.mail", "16.0", "3774.600.62", 34816},
	{"Maps", "com.apple.Maps", "3.0", "2936.22.2", 72704},
	{"Microsoft Edge", "com.microsoft.edgemac", "128.0.2739.79", "2739.79", 737280},
	{"Microsoft Excel", "com.microsoft.Excel", "16.89", "16.89.24090815", 2105344},
	{"Microsoft Outlook", "com.microsoft.Outlook", "16.89", "16.89.24090815", 2293760},
	{"Microsoft PowerPoint", "com.microsoft.Powerpoint", "16.89", "16.89.24090815", 1892352},
	{"Microsoft Teams", "com.microsoft.teams2", "24231.512", "24231.512.3106", 1048576},
	{"Microsoft Word", "com.microsoft.Word", "16.89", "16.89.24090815", 2359296},
	{"Notes", "com.apple.Notes", "4.11", "2590.1", 37888},
	{"Notion", "notion.id", "3.14.0", "3.14.0", 286720},
	{"Numbers", "com.apple.iWork.Numbers", "14.2", "7041.0.109", 573440},
	{"OneDrive", "com.microsoft.OneDrive", "24.171.0825", "24171.0825", 1153434},
	{"Pages", "com.apple.iWork.Pages", "14.2", "7041.0.109", 614400},
	{"Photos", "com.apple.Photos", "9.0", "630.0.220", 58368},
	{"Podcasts", "com.apple.podcasts", "1.1.0", "1.1.0", 47104},
	{"Preview", "com.apple.Preview", "11.0", "1069.4.5", 11264},
	{"Safari", "com.apple.Safari", "17.5", "19618.2.12", 14336},
	{"Slack", "com.tinyspeck.slackmacgap", "4.40.128", "40128", 264192},
	{"Terminal", "com.apple.Terminal", "2.14", "453", 10240},
	{"TextEdit", "com.apple.TextEdit", "1.19", "397", 3072},
	{"Time Sheets", "org.example.timesheets.mac", "3.2", "321", 22528},
	{"Visual Studio Code", "com.microsoft.VSCode", "1.93.1", "1.93.1", 614400},
	{"Xcode", "com.apple.dt.Xcode", "15.4", "22622", 3460300},
	{"zoom.us", "us.zoom.xos", "6.1.11 (39163)", "6.1.11.39163", 276480},
};

_Static_assert(sizeof(mobile_apps) / sizeof(mobile_apps[0]) >= APPS_LEAST + APPS_SPREAD - 1 &&
		       sizeof(mac_apps) / sizeof(mac_apps[0]) >= APPS_LEAST + APPS_SPREAD - 1,
	"there are enough apps for the fullest device");

bool
answer_app_is_managed(const struct answer_app *app)
{
	return strncmp(app->identifier, "org.example.", 12) == 0 ||
	       strlen(app->identifier) % MANAGED_EVERY == 0;
}

bool
answer_has(const struct plist *array, const char *text)
{
	const struct plist *item = array->as.items.first;

	for (; item != NULL; item = item->next)
		if (item->type == PLIST_STRING && strcmp(item->as.string.bytes, text) == 0)
			return true;
	return false;
}

static bool
is_wanted(const struct answer_work *work, const struct answer_app *app, bool managed)
{
	const struct plist *identifiers = plist_get(work->args, "Identifiers");

	if (identifiers != NULL && identifiers->as.items.count > 0 &&
		!answer_has(identifiers, app->identifier))
		return false;
	return !plist_get_boolean(work->args, "ManagedAppsOnly", false) || managed;
}

static void
add_mobile_facts(struct arena *arena, struct plist *row, const struct answer_app *app)
{
	bool own = strncmp(app->identifier, "org.example.", 12) == 0;
	const struct {
		const char *key;
		bool value;
	} flags[] = {{"AdHocCodeSigned", false}, {"AppStoreVendable", !own}, {"BetaApp", false},
		{"DeviceBasedVPP", answer_app_is_managed(app) && !own},
		{"HasUpdateAvailable", false}, {"IsAppClip", false}, {"IsValidated", true}};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		plist_set(arena, row, flags[i].key, plist_boolean(arena, flags[i].value));
	plist_set(arena, row, "DynamicSize", plist_unsigned(arena, app->size * UINT64_C(127)));
	plist_set(arena, row, "ExternalVersionIdentifier",
		plist_unsigned(arena, 850000000 + app->size));
}

static struct plist *
app_row(struct answer_work *work, const struct answer_app *app)
{
	struct arena *arena = work->arena;
	struct plist *row = plist_dict(arena);

	plist_set(arena, row, "BundleSize", plist_unsigned(arena, app->size * UINT64_C(1024)));
	plist_set(arena, row, "Identifier", plist_string(arena, app->identifier));
	plist_set(arena, row, "Installing", plist_boolean(arena, false));
	plist_set(arena, row, "Name", plist_string(arena, app->name));
	plist_set(arena, row, "ShortVersion", plist_string(arena, app->short_version));
	plist_set(arena, row, "Version", plist_string(arena, app->version));
	if (work->persona->model->kind == PERSONA_MAC)
		plist_set(arena, row, "Path",
			plist_string(
				arena, arena_printf(arena, "/Applications/%s.app", app->name)));
	else
		add_mobile_facts(arena, row, app);
	return row;
}

/* Leaves the named keys, and Identifier, which always comes. */
static struct plist *
cut_to_items(struct answer_work *work, struct plist *row)
{
	const struct plist *items = plist_get(work->args, "Items");
	struct plist *cut;

	if (items == NULL || work->persona->model->kind == PERSONA_MAC)
		return row;
	cut = plist_dict(work->arena);
	for (const struct plist *fact = row->as.items.first; fact != NULL; fact = fact->next)
		if (strcmp(fact->key, "Identifier") == 0 || answer_has(items, fact->key))
			plist_set(work->arena, cut, fact->key, plist_copy(work->arena, fact));
	return cut;
}

/* A stretch of the shop's list, beginning anywhere. */
const struct answer_app *
answer_app_at(const struct answer_work *work, size_t n)
{
	bool mac = work->persona->model->kind == PERSONA_MAC;
	const struct answer_app *apps = mac ? mac_apps : mobile_apps;
	size_t all = mac ? sizeof(mac_apps) / sizeof(mac_apps[0])
			 : sizeof(mobile_apps) / sizeof(mobile_apps[0]);
	size_t start = persona_pick(work->persona, "first app", (uint32_t)all);
	size_t count = APPS_LEAST + persona_pick(work->persona, "apps", APPS_SPREAD);

	return n < count ? &apps[(start + n) % all] : NULL;
}

bool
answer_app_is_gone(struct answer_work *work, const char *identifier)
{
	return answer_recall(work, answer_memo_name(work, "app-gone", identifier)) != NULL;
}

/* What came through MDM; what it is called is not known. */
static void
add_managed(struct answer_work *work, struct plist *list)
{
	const struct device_memo *memo = NULL;
	const char *identifier, *status;

	while ((memo = answer_memo_next(work, "app", memo, &identifier)) != NULL) {
		const char *dot = strrchr(identifier, '.');
		const struct answer_app app = {.name = dot != NULL ? dot + 1 : identifier,
			.identifier = identifier,
			.short_version = "1.0",
			.version = "1",
			.size = 20480};

		status = plist_get_string(answer_memo_read(work, memo), "Status");
		if (status != NULL && strcmp(status, "Managed") == 0 && is_wanted(work, &app, true))
			plist_append(list, cut_to_items(work, app_row(work, &app)));
	}
}

void
answer_installed_application_list(struct answer_work *work)
{
	struct plist *list = plist_array(work->arena);
	const struct answer_app *app;

	for (size_t i = 0; (app = answer_app_at(work, i)) != NULL; i++)
		if (is_wanted(work, app, answer_app_is_managed(app)) &&
			!answer_app_is_gone(work, app->identifier))
			plist_append(list, cut_to_items(work, app_row(work, app)));
	add_managed(work, list);
	work->complete = plist_get(work->args, "Items") != NULL;
	answer_set(work, "InstalledApplicationList", list);
}
