# Makes src/mdm/error_meaning_data.c out of src/mdm/error_meaning.data, whose head describes its format.
function fail(what) {
	print FILENAME ":" FNR ": " what > "/dev/stderr"
	failed = 1
	exit 1
}
function trim(s) {
	gsub(/^[ \t]+|[ \t]+$/, "", s)
	return s
}
function quote(s) {
	gsub(/\\/, "&&", s)
	gsub(/"/, "\\\"", s)
	return s == "" ? "NULL" : "\"" s "\""
}
/^#/ || /^[ \t]*$/ { next }
$1 == "domain" || $1 == "request" {
	if (NF != 2)
		fail("a section has one name")
	domain = $1 == "domain" ? $2 : ""
	request = $1 == "request" ? $2 : ""
	next
}
{
	if (domain == "" && request == "")
		fail("a code before the first section")
	if ($1 !~ /^-?[0-9]+$/)
		fail("a code is a number")
	key = domain "/" request "/" $1
	if (key in seen)
		fail($1 " is there already")
	seen[key] = 1
	code = $1
	rest = trim(substr(trim($0), length(code) + 1))
	bar = index(rest, " | ")
	meaning = bar > 0 ? trim(substr(rest, 1, bar - 1)) : rest
	advice = bar > 0 ? trim(substr(rest, bar + 3)) : ""
	if (meaning == "")
		fail("a code without a meaning")
	rows[++count] = "\t{" quote(domain) ", " quote(request) ", " code ", " quote(meaning) ", " quote(advice) "},"
}
END {
	if (failed)
		exit 1
	print "/* Made by scripts/gen-error-meaning.awk from src/mdm/error_meaning.data; do not edit. */"
	print "#include \"mdm/error_meaning_data.h\"\n"
	print "const struct error_meaning error_meanings[] = {"
	for (i = 1; i <= count; i++)
		print rows[i]
	print "};\n\nconst size_t error_meaning_count = " count ";"
}
