# Makes src/mdm/catalogue_data.c out of src/mdm/catalogue.data, whose head describes its format.
function fail(what) {
	print FILENAME ":" FNR ": " what > "/dev/stderr"
	failed = 1
	exit 1
}
function or_null(s) {
	return s == "" ? "NULL" : "\"" s "\""
}
function option(name,    i, part) {
	for (i = 2; i <= NF; i++)
		if (index($i, name "=") == 1) {
			part = substr($i, length(name) + 2)
			gsub(/,/, " ", part)
			return part
		}
	return ""
}
function add_key(name, type, presence,    depth) {
	if (!(type in types))
		fail("there is no type " type)
	match($0, /^\t+/)
	depth = RLENGTH
	keys[count] = keys[count] "\t{\"" name "\", " types[type] ", " presence ", " depth ", " \
		(option("length") == "" ? 0 : option("length")) ", " or_null(option("values")) "},\n"
	key_count[count]++
}
BEGIN {
	types["dictionary"] = "PLIST_DICT"
	types["array"] = "PLIST_ARRAY"
	types["string"] = "PLIST_STRING"
	types["integer"] = "PLIST_INTEGER"
	types["real"] = "PLIST_REAL"
	types["boolean"] = "PLIST_BOOLEAN"
	types["date"] = "PLIST_DATE"
	types["data"] = "PLIST_DATA"
	presences["optional"] = "CATALOGUE_OPTIONAL"
	presences["required"] = "CATALOGUE_REQUIRED"
	presences["filled"] = "CATALOGUE_FILLED"
}
/^#/ || /^[ \t]*$/ { next }
$1 == "request" { request[++count] = $2; next }
count == 0 { fail("a line before the first request") }
$1 == "alias" { alias[count] = $2; next }
$1 == "confirm" { confirm[count] = 1; next }
$1 == "answer" { answer[count] = $2; next }
$1 == "merge" { merge[count] = 1; next }
$1 == "filters" { filters[count] = $2; gsub(/,/, " ", filters[count]); next }
$1 == "key" {
	if (!($4 in presences))
		fail("presence is optional, required or filled")
	add_key($2, $3, presences[$4])
	next
}
$1 == "item" { add_key("", $2, "CATALOGUE_OPTIONAL"); next }
{ fail("not understood: " $1) }
END {
	if (failed)
		exit 1
	print "/* Made by scripts/gen-catalogue.awk from src/mdm/catalogue.data; do not edit. */"
	print "#include \"mdm/catalogue_data.h\"\n"
	for (i = 1; i <= count; i++)
		if (key_count[i] > 0)
			print "static const struct catalogue_key keys_" request[i] "[] = {\n" keys[i] "};\n"
	print "const struct catalogue_request catalogue_requests[] = {"
	for (i = 1; i <= count; i++)
		print "\t{\"" request[i] "\", " or_null(alias[i]) ", " (confirm[i] ? "true" : "false") ", " or_null(answer[i]) \
			", " (merge[i] ? "true" : "false") ", " or_null(filters[i]) ", " \
			(key_count[i] > 0 ? "keys_" request[i] : "NULL") ", " key_count[i] + 0 "},"
	print "};\n\nconst size_t catalogue_request_count = " count ";"
}
