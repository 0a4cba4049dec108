/*
 * The table of commands: what `pomona` can do, one row each.
 */
#include "cli/commands.h"

/* clang-format off */
#define OPTIONS(...) (const struct words_option[]){__VA_ARGS__, {NULL, NULL, NULL}}
/* clang-format on */

const struct cli_command cli_commands[] = {
	{"init", NULL, "", "make the store, the master key and the device CA", 0, 0,
		CLI_NEEDS_NOTHING, CLI_OWN,
		OPTIONS({"dir", "DIR", "make DIR with a configuration file and all files in it"},
			{"server-url", "URL", "setting server_url: where devices reach the server"},
			{"organization", "NAME", "setting organization"},
			{"ca-name", "NAME", "common name of the device CA"},
			{"user", "NAME", "give the files to this user (as root)"}),
		cli_init,
		"What is there is kept: it can be run again to complete what was interrupted.\n"
		"The CA's certificate is written as device-ca.pem beside the master key, for the "
		"web server.\n"
		"Without --dir the configuration file must exist; it names the files."},
	{"doctor", NULL, "", "check the installation, and tell how to mend it", 0, 0,
		CLI_NEEDS_NOTHING, CLI_OWN,
		OPTIONS({"url", "URL", "ask the server there (setting server_url)"},
			{"ca", "FILE", "verify the server's certificate by this CA (PEM)"},
			{"apns", NULL, "connect to APNs with each push certificate, too"}),
		cli_doctor,
		"A line for each finding: ok, warning or problem.  Exit status 1 when there is a "
		"problem.\nIt changes nothing."},
	{"key", "show", "", "tell of the master key", 0, 0, CLI_NEEDS_KEY, CLI_OWN, NULL,
		cli_key_show, NULL},
	{"key", "rotate", "", "make a new master key and seal everything under it", 0, 0,
		CLI_NEEDS_KEY, CLI_OWN, NULL, cli_key_rotate,
		"The servers may run.  When it is interrupted, run it again: it goes on where it "
		"was.\nA copy of the store from before opens with the old key alone: copy the key "
		"file with it."},
	{"push-cert", "request", "[NAME]", "make a key and the request for a push certificate", 0,
		1, CLI_NEEDS_KEY, CLI_WRITE,
		OPTIONS({"vendor", "FILE",
				"sign it as MDM vendor: certificate and key (.p12, PEM)"},
			{"password-file", "FILE", "its first line is the vendor file's password"},
			{"chain", "FILE", "Apple's certificates above the vendor's (PEM)"},
			{"renew", "TOPIC", "it is to renew the certificate of TOPIC"},
			{"out", "FILE", "write it there"},
			{"common-name", "NAME", "common name in the request (Pomona MDM)"},
			{"email", "ADDRESS", "e-mail address in the request"},
			{"country", "XX", "country in the request"}),
		cli_push_cert_request,
		"The key stays sealed in the store until Apple's certificate is imported.  With "
		"--vendor the file is what\nidentity.apple.com/pushcert takes; without, it is a "
		"CSR "
		"(PEM) for whoever signs it.\nThe same NAME again gives the same request again."},
	{"push-cert", "requests", "", "list the requests that wait for Apple's certificate", 0, 0,
		CLI_NEEDS_STORE, CLI_READ, NULL, cli_push_cert_requests, NULL},
	{"push-cert", "forget", "NAME", "remove a request and its key", 1, 1, CLI_NEEDS_STORE,
		CLI_WRITE, NULL, cli_push_cert_forget, NULL},
	{"push-cert", "import", "FILE", "take a push certificate", 1, 1, CLI_NEEDS_KEY, CLI_WRITE,
		OPTIONS({"password-file", "FILE", "its first line is the file's password"},
			{"replace", "TOPIC", "only if it renews the certificate of TOPIC"},
			{"new-topic", NULL, "also if its request was to renew another topic"}),
		cli_push_cert_import,
		"The certificate that Apple made of a kept request; or a Keychain export (.p12) or "
		"PEM file with\ncertificate and key.  A newer certificate of the same topic "
		"replaces "
		"the old one, and pushes that\nwere stopped go on."},
	{"push-cert", "list", "", "list the push certificates", 0, 0, CLI_NEEDS_STORE, CLI_READ,
		NULL, cli_push_cert_list, NULL},
	{"push-cert", "show", "TOPIC", "show one, and how many devices hang on it", 1, 1,
		CLI_NEEDS_STORE, CLI_READ, NULL, cli_push_cert_show, NULL},
	{"push-cert", "remove", "TOPIC", "remove one and its key", 1, 1, CLI_NEEDS_STORE, CLI_WRITE,
		OPTIONS({"force", NULL, "also when devices are enrolled under it"}),
		cli_push_cert_remove, NULL},
	{"device", "list", "", "list devices and user channels", 0, 0, CLI_NEEDS_STORE, CLI_OWN,
		OPTIONS({"state", "STATE", "authenticating, enrolled, checked_out or blocked"},
			{"kind", "KIND", "device, user, shared_ipad, user_enrollment_device, …"},
			CLI_OPTION_LIMIT),
		cli_device_list, NULL},
	{"device", "show", "ID", "show one, and what waits for it", 1, 1, CLI_NEEDS_STORE, CLI_READ,
		NULL, cli_device_show, NULL},
	{"queue", "add", "ID…|--all REQUEST [KEY=VALUE…]", "queue a command", 0, CLI_ANY,
		CLI_NEEDS_STORE, CLI_OWN,
		OPTIONS({"all", NULL, "for all enrolled devices"},
			{"args", "JSON", "the command's keys as a JSON object, or @FILE with one"},
			{"plist", "FILE", "a whole command plist, queued byte for byte"},
			{"priority", "N", "higher goes first (0)"},
			{"not-before", "TIME", "not before then: 2026-11-24T08:00:00Z, or +2h"},
			{"expires", "TIME", "not after then"}),
		cli_queue_add,
		"VALUE is read as the type the command's key has: Message='Call IT', "
		"ManagedOnly=true,\nQueries=UDID,OSVersion, ReturnToService.Enabled=true, "
		"Payload=@FILE, or JSON for a dictionary.\n"
		"A command that destroys data wants confirm=ID, and goes to one device at a time.\n"
		"A request that is not known by name goes with --plist."},
	{"queue", "list", "[ID]", "list open commands", 0, 1, CLI_NEEDS_STORE, CLI_OWN,
		OPTIONS({"ended", NULL, "those that have ended too"}, CLI_OPTION_LIMIT),
		cli_queue_list, NULL},
	{"queue", "cancel", "UUID [ID]", "cancel an open command, for all or one", 1, 2,
		CLI_NEEDS_STORE, CLI_WRITE, NULL, cli_queue_cancel, NULL},
	{"queue", "clear", "ID", "cancel all open commands of a device", 1, 1, CLI_NEEDS_STORE,
		CLI_WRITE, NULL, cli_queue_clear, NULL},
	{"result", "list", "[ID]", "list answers, newest command first", 0, 1, CLI_NEEDS_STORE,
		CLI_OWN, OPTIONS({"uuid", "UUID", "those to this command"}, CLI_OPTION_LIMIT),
		cli_result_list, NULL},
	{"result", "show", "UUID", "show the answer to a command", 1, 1, CLI_NEEDS_STORE, CLI_READ,
		OPTIONS({"device", "ID", "of this device, when several have answered"},
			{"plist", NULL, "print the device's message, byte for byte"}),
		cli_result_show,
		"People see tables; --json prints the answer as JSON, as it is in the store."},
	{"push", NULL, "ID…", "wake devices", 1, CLI_ANY, CLI_NEEDS_STORE, CLI_OWN, NULL, cli_push,
		"Asks pomona-push to send; a new command does so by itself."},
	{"identity", "issue", "NAME… --out DIR", "issue client certificates from the device CA", 1,
		CLI_ANY, CLI_NEEDS_KEY, CLI_OWN,
		OPTIONS({"out", "DIR", "where NAME.pem, NAME.key and NAME.p12 go"},
			{"days", "N", "how long they are good for (1825)"},
			{"key", "rsa|ec", "RSA 2048 (what all devices take), or P-256"},
			{"count", "N", "N of each name: NAME-000001, …"},
			{"p12-password-file", "FILE",
				"its first line is the password of NAME.p12"}),
		cli_identity_issue,
		"Without a password file each .p12 has a password of its own, in "
		"NAME.p12-password.\nFiles that are there are not overwritten."},
	{"ca", "show", "", "print the device CA's certificate", 0, 0, CLI_NEEDS_STORE, CLI_READ,
		NULL, cli_ca_show, NULL},
	{"profile", "uuid", "FILE", "tell UUID and identifier of a profile", 1, 1,
		CLI_NEEDS_NOTHING, CLI_OWN, OPTIONS({"bare", NULL, "the UUID and nothing else"}),
		cli_profile_uuid, "FILE is a .mobileprovision or a .mobileconfig, signed or not."},
	{"setting", "list", "", "list the settings", 0, 0, CLI_NEEDS_STORE, CLI_READ, NULL,
		cli_setting_list, NULL},
	{"setting", "get", "NAME", "print a setting's value", 1, 1, CLI_NEEDS_STORE, CLI_READ, NULL,
		cli_setting_get, NULL},
	{"setting", "set", "NAME VALUE", "change a setting", 2, 2, CLI_NEEDS_STORE, CLI_WRITE, NULL,
		cli_setting_set, NULL},
	{"admission", "list", "", "list who may enroll, and who may not", 0, 0, CLI_NEEDS_STORE,
		CLI_OWN, OPTIONS(CLI_OPTION_LIMIT), cli_admission_list, NULL},
	{"admission", "add", "udid|serial VALUE allow|block", "let a device enroll, or not", 3, 3,
		CLI_NEEDS_STORE, CLI_WRITE, NULL, cli_admission_add,
		"Blocked wins.  With setting enroll_devices at \"listed\" only the allowed ones "
		"enroll."},
	{"admission", "remove", "udid|serial VALUE", "take a rule away", 2, 2, CLI_NEEDS_STORE,
		CLI_WRITE, NULL, cli_admission_remove, NULL},
	{"version", NULL, "", "print the version", 0, 0, CLI_NEEDS_NOTHING, CLI_OWN, NULL,
		cli_version, NULL},
	{NULL, NULL, NULL, NULL, 0, 0, CLI_NEEDS_NOTHING, CLI_OWN, NULL, NULL, NULL},
};
