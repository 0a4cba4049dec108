# Makes store/schema.c out of sql/schema/NNNN-*.sql (the numbered steps) and sql/<dialect>.sql (views and triggers).
function quote(s) {
	gsub(/\\/, "&&", s)
	gsub(/"/, "\\\"", s)
	return s
}
function base(path) {
	sub(/.*\//, "", path)
	sub(/\.sql$/, "", path)
	return path
}
FNR == 1 {
	name = base(FILENAME)
	if (name ~ /^[0-9]+-/) {
		steps[++step_count] = name
	} else {
		dialects[++dialect_count] = name
	}
}
{ text[name] = text[name] "\n\t\t\"" quote($0) "\\n\"" }
END {
	print "/* Made by scripts/gen-schema.awk from sql/; do not edit. */"
	print "#include \"store/schema.h\"\n\n#include <stddef.h>\n"
	print "const struct schema_step schema_steps[] = {"
	for (i = 1; i <= step_count; i++)
		print "\t{" (steps[i] + 0) ", \"" steps[i] "\"," text[steps[i]] "},"
	print "\t{0, NULL, NULL},\n};\n"
	print "const struct schema_interface schema_interfaces[] = {"
	for (i = 1; i <= dialect_count; i++)
		print "\t{\"" dialects[i] "\"," text[dialects[i]] "},"
	print "\t{NULL, NULL},\n};"
}
