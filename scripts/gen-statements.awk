# Makes store/statements.h (-v what=h) or store/statements.c (-v what=c) out of sql/<concept>.sql.
#
# A statement starts with a line "-- name: find_this" and ends before the next one or at the file's end.  Other
# comment lines are for the reader and are left out.
function quote(s) {
	gsub(/\\/, "&&", s)
	gsub(/"/, "\\\"", s)
	gsub(/\t/, " ", s)
	return s
}
/^-- name: / { names[++count] = $3; next }
/^[ \t]*--/ || /^[ \t]*$/ { next }
{
	if (count == 0) {
		print FILENAME ": a statement without a name" > "/dev/stderr"
		exit 1
	}
	text[count] = text[count] "\n\t\t\"" quote($0) "\\n\""
}
END {
	if (what == "h") {
		print "/* Made by scripts/gen-statements.awk from the files in sql/; do not edit. */"
		print "#ifndef POMONA_STORE_STATEMENTS_H\n#define POMONA_STORE_STATEMENTS_H\n"
		print "enum statement {"
		for (i = 1; i <= count; i++)
			print "\tSQL_" toupper(names[i]) ","
		print "\tSQL_COUNT\n};\n"
		print "const char *statement_text(enum statement statement);"
		print "const char *statement_name(enum statement statement);\n\n#endif"
		exit
	}
	print "/* Made by scripts/gen-statements.awk from the files in sql/; do not edit. */"
	print "#include \"store/statements.h\"\n"
	print "static const struct {\n\tconst char *name, *text;\n} statements[] = {"
	for (i = 1; i <= count; i++)
		print "\t[SQL_" toupper(names[i]) "] = {\"" names[i] "\"," text[i] "},"
	print "};\n"
	print "const char *\nstatement_text(enum statement statement)\n{\n\treturn statements[statement].text;\n}\n"
	print "const char *\nstatement_name(enum statement statement)\n{\n\treturn statements[statement].name;\n}"
}
