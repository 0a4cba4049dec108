# Makes src/mdm/catalogue_data.c out of src/mdm/catalogue/*.data; README.md beside those describes their format.
#
# An object is whatever can have facts, values, rules or subkeys: a request, the root of its payload or of its answer, a key,
# a value.  level[] is the path of objects from the request down to the last line; a line belongs to the one above its own
# indentation.

function fail(what) {
	print FILENAME ":" FNR ": " what > "/dev/stderr"
	failed = 1
	exit 1
}

# ---- C ----

function c_string(s) {
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\""
}

function c_strings(list,    i, n, part, s) {
	n = split(list, part, ",")
	for (i = 1; i <= n; i++)
		s = s c_string(part[i]) ", "
	return "(const char *const[]){" s "NULL}"
}

function c_version(s,    part) {
	if (s !~ /^[0-9]+\.[0-9]+(\.[0-9]+)?$/)
		fail("not a version: " s)
	split(s, part, ".")
	return "CATALOGUE_VERSION(" part[1] ", " part[2] ", " part[3] + 0 ")"
}

function c_array(type, elements, count, field) {
	return count + 0 == 0 ? "" : ", ." field "s = (const struct catalogue_" type "[]){" elements "}, ." field "_count = " count
}

# ---- objects ----

function new_object(depth) {
	level[depth] = ++objects
	depth_of[objects] = depth
	deepest = depth
	return objects
}

function owner() {
	if (indent < 1 || indent - 1 > deepest)
		fail("indented too deep")
	return level[indent - 1]
}

# The words of the line from N on, with their blanks.
function rest(n,    s, i) {
	s = $0
	sub(/^\t+/, "", s)
	for (i = 1; i < n; i++)
		sub(/^[^ ]+ +/, "", s)
	return s
}

# ---- facts of an OS ----

function one_of(set, word, what) {
	if (!((set, word) in known))
		fail("not " what ": " word)
	return known[set, word]
}

function channels(list,    i, n, part, s) {
	n = split(list, part, ",")
	for (i = 1; i <= n; i++)
		s = s (i == 1 ? "" : " | ") one_of("channel", part[i], "a channel")
	return s
}

function shared_ipad(value,    mode) {
	if (("mode", value) in known)
		return ", .shared_ipad = " known["mode", value]
	mode = "allowed"
	if (index(value, "required:") == 1) {
		mode = "required"
		sub(/^required:/, "", value)
	}
	return ", .shared_ipad = " known["mode", mode] ", .shared_channels = " channels(value)
}

function fact_word(word,    name, value) {
	if (("flag", word) in known)
		return ", ." known["flag", word] " = true"
	if (word ~ /^[0-9]/)
		return ", .introduced = " c_version(word)
	name = value = word
	sub(/=.*/, "", name)
	sub(/^[^=]*=/, "", value)
	if (name == "deprecated" || name == "removed")
		return ", ." name " = " c_version(value)
	if (name == "channel")
		return ", .channels = " channels(value)
	if (name == "right")
		return ", .right = " one_of("right", value, "an access right")
	if (name == "user-enrollment")
		return ", .user_enrollment = " one_of("mode", value, "a mode")
	if (name == "shared-ipad")
		return shared_ipad(value)
	fail("not understood: " word)
}

function add_facts(object, systems, facts,    i, n, part) {
	n = split(systems, part, ",")
	for (i = 1; i <= n; i++) {
		# Macs alone have a user channel that needs no Shared iPad.
		c_facts[object] = c_facts[object] "{.os = " one_of("os", part[i], "an OS") facts \
			(depth_of[object] == 0 && part[i] != "macOS" && facts !~ /\.channels/ ? \
			", .channels = " known["channel", "device"] : "") "}, "
		fact_count[object]++
	}
}

function take_on(    i, facts) {
	for (i = 3; i <= NF; i++)
		facts = facts fact_word($i)
	add_facts(owner(), $2, facts)
}

# ---- values ----

function add_value(object, value) {
	order_of_values[object, ++value_count[object]] = new_object(indent)
	value_text[objects] = value
}

function add_values(object, list,    i, n, part) {
	n = split(list, part, ",")
	for (i = 1; i <= n; i++)
		add_value(object, part[i])
}

function c_values(object,    i, value, s) {
	for (i = 1; i <= value_count[object]; i++) {
		value = order_of_values[object, i]
		s = s "{.text = " c_string(value_text[value]) \
			c_array("fact", c_facts[value], fact_count[value], "fact") "}, "
	}
	return c_array("value", s, value_count[object], "value")
}

# ---- rules ----

function c_range(words, from,    part, n) {
	n = split(words, part, /\.\./)
	if (n != 2)
		fail("a range is FROM..TO, or one of them")
	return (part[1] == "" ? "" : ", .has_min = true, .min = " part[1]) (part[2] == "" ? "" : ", .has_max = true, .max = " part[2])
}

function c_when(    kind) {
	if ($4 != "when" || NF < 6)
		fail("KEY when OTHER CONDITION")
	kind = one_of("when", $6, "a condition")
	return ", .other = " c_string($5) ", .when = " kind ($7 == "" ? "" : ", .value = " c_string(rest(7)))
}

function take_rule(advisory,    kind, s) {
	kind = $2
	s = "{.kind = " one_of("rule", kind, "a rule") (advisory ? ", .advisory = true" : "")
	if (kind == "depends")
		s = s ", .value = " c_string(rest(3))
	else
		s = s ", .keys = " c_strings($3)
	if (kind ~ /-if$/ && kind != "contains-if")
		s = s c_when()
	else if (kind == "contains-if")
		s = s ", .other = " c_string($5) ", .value = " c_string(rest(6))
	else if (kind == "range")
		s = s c_range($4) ($5 == "or" ? ", .also = " c_strings($6) : "")
	else if (kind == "length" || kind == "max-bytes")
		s = s ", .has_max = true, .max = " $4
	else if (kind == "pattern" || kind == "prefix" || kind == "default")
		s = s ", .value = " c_string(rest(4))
	c_rules[owner()] = c_rules[owner()] s "}, "
	rule_count[owner()]++
}

# ---- keys ----

function key_option(word,    name, value) {
	name = value = word
	sub(/=.*/, "", name)
	sub(/^[^=]*=/, "", value)
	if (name == "values")
		add_values(level[indent], value)
	else if (name == "default" || name == "by" || name == "format")
		return ", ." (name == "default" ? "preset" : name) " = " c_string(value)
	else if (name == "range")
		return c_range(value)
	else
		fail("not understood: " word)
	return ""
}

function add_key(name, type, presence, options, extra,    i, object, s) {
	if (root == 0)
		fail("a key before the first request")
	owner()
	object = new_object(indent)
	s = "{.name = " c_string(name) (type == "any" ? ", .any = true" : ", .type = " one_of("type", type, "a type")) \
		", .presence = " one_of("presence", presence, "a presence") extra
	order_of_keys[root, ++key_count[root]] = object
	for (i = options; i <= NF; i++)
		s = s key_option($i)
	# Values of the line are objects of the same level.
	level[indent] = object
	c_key[object] = s
	key_depth[object] = indent - base
}

function span(root, i,    n, depth) {
	depth = key_depth[order_of_keys[root, i]]
	for (n = 0; i + n + 1 <= key_count[root] && key_depth[order_of_keys[root, i + n + 1]] > depth; n++)
		;
	return n
}

function take_request() {
	if (indent != 0)
		fail("a request is not indented")
	names[++count] = $2
	if ($2 in of_name)
		fail("twice: " $2)
	of_name[$2] = request = root = new_object(0)
	answer_root[request] = 0
	base = 0
}

function take_response() {
	root = answer_root[request] = new_object(1)
	base = 1
}

# ---- the table ----

function print_root(name, root,    i, object) {
	if (root == 0)
		return
	print "static const struct catalogue_key " name "[] = {"
	print "\t{.name = \"\", .type = PLIST_DICT, .span = " key_count[root] + 0 c_array("rule", c_rules[root], rule_count[root], "rule") "},"
	for (i = 1; i <= key_count[root]; i++) {
		object = order_of_keys[root, i]
		print "\t" c_key[object] ", .depth = " key_depth[object] ", .span = " span(root, i) \
			c_array("fact", c_facts[object], fact_count[object], "fact") c_values(object) \
			c_array("rule", c_rules[object], rule_count[object], "rule") "},"
	}
	print "};\n"
}

function print_request(name,    r) {
	r = of_name[name]
	print "\t{.name = \"" name "\", .payload = payload_" name (answer_root[r] != 0 ? ", .response = response_" name : "") \
		", .keys = payload_" name " + 1, .key_count = " key_count[r] + 0 \
		c_array("fact", c_facts[r], fact_count[r], "fact") c_request[r] \
		(notes[r] == "" ? "" : ", .notes = (const char *const[]){" notes[r] "NULL}") "},"
}

# In the order of the bytes, so that they are found by halves.
function sort_names(    i, j, name) {
	for (i = 2; i <= count; i++) {
		name = names[i]
		for (j = i - 1; j >= 1 && names[j] > name; j--)
			names[j + 1] = names[j]
		names[j + 1] = name
	}
}

function learn(kind, words, prefix,    i, n, part, name) {
	n = split(words, part, " ")
	for (i = 1; i <= n; i++) {
		name = toupper(part[i])
		gsub(/-/, "_", name)
		known[kind, part[i]] = prefix name
	}
}

BEGIN {
	learn("os", "iOS macOS tvOS visionOS watchOS", "CATALOGUE_")
	learn("mode", "allowed forbidden required ignored", "CATALOGUE_MODE_")
	learn("channel", "device user", "CATALOGUE_CHANNEL_")
	learn("type", "array string integer real boolean date data", "PLIST_")
	known["type", "dictionary"] = "PLIST_DICT"
	learn("presence", "optional required filled", "CATALOGUE_")
	learn("rule", "exactly-one-of at-least-one-of required-if forbidden-if contains-if range length max-bytes pattern prefix default depends", "CATALOGUE_RULE_")
	learn("when", "equals not-equals true not-true absent present", "CATALOGUE_WHEN_")
	known["flag", "supervised"] = "supervised"
	known["flag", "automated"] = "automated"
	known["flag", "user-approved"] = "user_approved"
	known["right", "none"] = "CATALOGUE_RIGHT_NONE"
	known["right", "special"] = "CATALOGUE_RIGHT_SPECIAL"
	known["right", "AllowInspection"] = 1
	known["right", "AllowInstallationRemoval"] = 2
	known["right", "AllowPasscodeRemovalAndLock"] = 4
	known["right", "DeviceLockAndRemovePasscode"] = 4
	known["right", "AllowDeviceErase"] = 8
	known["right", "AllowQueryDeviceInformation"] = 16
	known["right", "AllowQueryNetworkInformation"] = 32
	known["right", "AllowProvisioningInspection"] = 64
	known["right", "AllowProvisioningInstallationRemoval"] = 128
	known["right", "AllowQueryApplications"] = 256
	known["right", "QueryInstalledApps"] = 256
	known["right", "AllowQueryRestrictions"] = 512
	known["right", "AllowQuerySecurity"] = 1024
	known["right", "AllowSettings"] = 2048
	known["right", "AllowAppInstallation"] = 4096
}
/^\t*#/ || /^[ \t]*$/ { next }
{
	match($0, /^\t*/)
	indent = RLENGTH
}
$1 == "request" { take_request(); next }
request == 0 { fail("a line before the first request") }
$1 == "about" || $1 == "alias" || $1 == "answer" { c_request[request] = c_request[request] ", ." $1 " = " c_string(rest(2)); next }
$1 == "confirm" || $1 == "merge" { c_request[request] = c_request[request] ", ." $1 " = true"; next }
$1 == "note" { notes[request] = notes[request] c_string(rest(2)) ", "; next }
$1 == "filters" {
	gsub(/,/, " ", $2)
	c_request[request] = c_request[request] ", .filters = " c_string($2)
	next
}
$1 == "on" { take_on(); next }
$1 == "not" { add_facts(owner(), $2, ", .unsupported = true"); next }
$1 == "rule" { take_rule(0); next }
$1 == "advice" { take_rule(1); next }
$1 == "value" { add_value(owner(), rest(2)); next }
$1 == "values" { add_values(owner(), $2); next }
$1 == "label" { c_key[owner()] = c_key[owner()] ", .label = " c_string(rest(2)); next }
$1 == "response" { take_response(); next }
$1 == "key" { add_key($2, $3, $4, 5, ""); next }
$1 == "item" { add_key("", $2, $3 == "required" ? $3 : "optional", $3 == "required" ? 4 : 3, ""); next }
$1 == "variant" { add_key("", $3, "optional", 4, ", .variant = " c_string($2)); next }
{ fail("not understood: " $1) }
END {
	if (failed)
		exit 1
	sort_names()
	print "/* Made by scripts/gen-catalogue.awk from src/mdm/catalogue; do not edit. */"
	print "#include \"mdm/catalogue_data.h\"\n"
	for (i = 1; i <= count; i++) {
		print_root("payload_" names[i], of_name[names[i]])
		print_root("response_" names[i], answer_root[of_name[names[i]]])
	}
	print "const struct catalogue_request catalogue_requests[] = {"
	for (i = 1; i <= count; i++)
		print_request(names[i])
	print "};\n\nconst size_t catalogue_request_count = " count ";"
}
