/*
 * The words of the enrollment page, and its looks.  What the organization will be able to do is
 * told from the profile's rights, so that the page promises what the profile asks for.
 */
#include "web/enroll_page.h"

#include "codec/qr.h"
#include "codec/text.h"
#include "codec/x509.h"
#include "mdm/profile.h"
#include "web/html.h"

#define PRIVATE_HEADERS                                                                            \
	"Cache-Control: no-store\r\n"                                                              \
	"Referrer-Policy: no-referrer\r\n"                                                         \
	"X-Content-Type-Options: nosniff\r\n"

const char enroll_page_private_headers[] = PRIVATE_HEADERS;

static const char style[] =
	":root{color-scheme:light dark;--back:#f5f5f7;--card:#fff;--text:#1d1d1f;--quiet:#5c5c61;"
	"--line:#d8d8dd;--accent:#0059b8;--on-accent:#fff}"
	"@media (prefers-color-scheme:dark){:root{--back:#111113;--card:#1e1e21;--text:#f2f2f4;"
	"--quiet:#b0b0b6;--line:#3c3c41;--accent:#6cb4ff;--on-accent:#06203d}}"
	"*{box-sizing:border-box}"
	"body{margin:0;background:var(--back);color:var(--text);-webkit-text-size-adjust:100%;"
	"font:17px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
	"main{max-width:42rem;margin:0 auto;padding:max(2rem,env(safe-area-inset-top)) 1rem 3rem}"
	"h1{font-size:1.9rem;line-height:1.2;margin:0 0 .75rem;overflow-wrap:anywhere}"
	"h2{font-size:1.2rem;line-height:1.3;margin:0 0 .5rem;overflow-wrap:anywhere}"
	"h2:not(:first-child){margin-top:1.25rem}"
	"h3{font-size:1rem;margin:1rem 0 .25rem}"
	"section{background:var(--card);border:1px solid var(--line);border-radius:14px;"
	"padding:1.1rem 1.25rem;margin:1rem 0}"
	"p{margin:.5rem 0;overflow-wrap:anywhere}"
	"ol,ul{margin:.5rem 0;padding-left:1.4rem}li{margin:.3rem 0}"
	".quiet{color:var(--quiet)}"
	"button{font:inherit;font-weight:600;width:100%;min-height:3.1rem;padding:.6rem 1rem;"
	"margin:.75rem 0 .25rem;border:0;border-radius:12px;background:var(--accent);"
	"color:var(--on-accent);cursor:pointer}"
	"button:focus-visible{outline:3px solid var(--text);outline-offset:3px}"
	"svg{display:block;width:min(15rem,100%);height:auto;margin:.75rem auto;border-radius:8px}"
	/* Who sees the code on a telephone cannot scan it. */
	"@media (hover:none) and (pointer:coarse),(max-width:30rem){.computer{display:none}}"
	"@media print{button{display:none}}";

/* ---- the frame ---- */

/* The one style that may be used is the one above, known by its hash. */
static const char *
page_headers(struct arena *arena)
{
	char hex[X509_HASH_SIZE];
	unsigned char *hash;
	size_t len;

	x509_hash(style, sizeof(style) - 1, hex);
	hash = text_hex_decode(arena, hex, X509_HASH_SIZE - 1, &len);
	return arena_printf(arena,
		PRIVATE_HEADERS
		"Content-Security-Policy: default-src 'none'; style-src 'sha256-%s'; "
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
		"Cross-Origin-Opener-Policy: same-origin\r\n",
		text_base64_encode(arena, hash, len));
}

static void
begin(struct reply *reply, struct arena *arena, int status, const char *title)
{
	reply->status = status;
	reply->content_type = "text/html; charset=utf-8";
	reply->headers = page_headers(arena);
	buf_str(&reply->body,
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1, "
		"viewport-fit=cover\">\n<meta name=\"robots\" content=\"noindex\">\n");
	html_fill(&reply->body, "<title>%s</title>\n", title);
	buf_printf(&reply->body, "<style>%s</style>\n</head>\n<body>\n<main>\n", style);
	html_fill(&reply->body, "<h1>%s</h1>\n", title);
}

static void
end(struct reply *reply)
{
	buf_str(&reply->body, "</main>\n</body>\n</html>\n");
}

void
enroll_page_refuse(
	struct reply *reply, struct arena *arena, int status, const char *title, const char *advice)
{
	begin(reply, arena, status, title);
	html_fill(&reply->body, "<section>\n<p>%s</p>\n</section>\n", advice);
	end(reply);
}

/* ---- its parts ---- */

static void
write_start(struct buf *body, const struct enroll_page *page, const char *who)
{
	if (page->description != NULL)
		html_fill(body, "<p>%s</p>\n", page->description);
	html_fill(body,
		"<p>%s will manage this iPhone, iPad, Mac or Apple TV from afar. You download a "
		"profile here and then install it in the device's settings; nothing happens before "
		"you do.</p>\n",
		who);
	html_fill(body,
		"<form method=\"post\" action=\"%s\">\n<button type=\"submit\">Download the "
		"profile</button>\n</form>\n",
		page->action);
	if (page->once)
		buf_str(body, "<p class=\"quiet\">The link to this page is for you alone. The "
			      "download uses it up.</p>\n");
}

static void
write_code(struct buf *body, const struct enroll_page *page)
{
	struct buf code;

	buf_init(&code, body->arena, body->cap);
	if (page->url == NULL || !qr_write_svg(&code, page->url, "QR code of this page's address"))
		return;
	buf_str(body, "<section class=\"computer\">\n<h2>Is it for another device?</h2>\n"
		      "<p>Scan this with the camera of the iPhone or iPad, and go on there.</p>\n");
	buf_add(body, code.bytes, code.len);
	buf_str(body, "\n</section>\n");
}

static void
write_steps(struct buf *body)
{
	buf_str(body,
		"<section>\n<h2>Step by step</h2>\n"
		"<h3>iPhone and iPad</h3>\n<ol>\n"
		"<li>Tap <b>Download the profile</b>, in Safari, and then <b>Allow</b>.</li>\n"
		"<li>Open the app <b>Settings</b> and tap <b>Profile Downloaded</b>, near the "
		"top. "
		"(If it is not there: <b>General</b>, then <b>VPN &amp; Device "
		"Management</b>.)</li>\n"
		"<li>Tap <b>Install</b>, enter the device's passcode, read what is shown, and tap "
		"<b>Install</b> again.</li>\n"
		"<li>Tap <b>Trust</b> when you are asked about remote management, then "
		"<b>Done</b>.</li>\n"
		"</ol>\n"
		"<h3>Mac</h3>\n<ol>\n"
		"<li>Click <b>Download the profile</b> and open the file.</li>\n"
		"<li>Open <b>System Settings</b>, then <b>General</b>, <b>Device Management</b> "
		"(before macOS 15: <b>Privacy &amp; Security</b>, <b>Profiles</b>).</li>\n"
		"<li>Double-click the profile, click <b>Install</b>, and enter an "
		"administrator's password.</li>\n"
		"</ol>\n"
		"<p class=\"quiet\">A downloaded profile that is not installed goes away by itself "
		"after a few minutes.</p>\n</section>\n");
}

static void
write_rights(struct buf *body, const struct enroll_page *page, const char *who)
{
	const char *text;
	int64_t bit;

	html_fill(body, "<section>\n<h2>What %s will be able to do</h2>\n<ul>\n", who);
	for (size_t i = 0; (text = profile_right(i, &bit)) != NULL; i++)
		if ((page->rights & bit) != 0)
			html_fill(body, "<li>%s</li>\n", text);
	html_fill(body,
		"</ul>\n<h2>What it will not see</h2>\n"
		"<p>Management as such does not show %s your messages, mail, photos, calls, "
		"passwords or the pages you visit. Settings that it installs, such as a VPN, may "
		"lead what you do through its network.</p>\n</section>\n",
		who);
}

static void
write_who(struct buf *body, const struct enroll_page *page, const char *who)
{
	html_fill(body,
		"<section>\n<h2>Who runs this</h2>\n"
		"<p>%s, with the server <b>%s</b>. Ask them when something here is not as you "
		"expect, and do not install a profile that you were not told about.</p>\n"
		"<p>You can end it yourself: remove the profile in the same place of the settings. "
		"Apps and accounts that came with it go with it.</p>\n</section>\n",
		who, page->host);
}

void
enroll_page_write(struct reply *reply, struct arena *arena, const struct enroll_page *page)
{
	const char *who = page->organization != NULL ? page->organization : "Your organization";

	begin(reply, arena, 200,
		page->organization != NULL
			? arena_printf(arena, "Enroll this device with %s", page->organization)
			: "Enroll this device");
	write_start(&reply->body, page, who);
	write_code(&reply->body, page);
	write_steps(&reply->body);
	write_rights(&reply->body, page, who);
	write_who(&reply->body, page, who);
	end(reply);
}
