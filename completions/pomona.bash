# shellcheck shell=bash
# Completion of pomona(1) in bash.  What may stand where is asked of the program itself (`pomona complete`).

_pomona()
{
	local line=$COMP_LINE word cur lead i
	local -a words=()

	# bash takes words apart at : and =, which are a part of ours.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if ((i == 0)) || [[ $line == [[:blank:]]* ]] || { [[ -z $line ]] && [[ -z $word ]]; }; then
			words+=("$word")
		else
			words[${#words[@]} - 1]+=$word
		fi
		line=${line#"${line%%[![:blank:]]*}"}
		line=${line#"$word"}
	done
	cur=${words[${#words[@]} - 1]}

	# What bash has taken off already is not to be put in again.
	lead=
	if [[ $cur == *[:=]* && $COMP_WORDBREAKS == *[:=]* ]]; then
		lead=${cur%"${cur##*[:=]}"}
	fi

	COMPREPLY=()
	local candidate files
	while IFS= read -r line; do
		if [[ $line == $'\t'* ]]; then
			files=${line#$'\t'}
			while IFS= read -r candidate; do
				[[ -d $candidate ]] && candidate+=/
				candidate=$files$candidate
				COMPREPLY+=("${candidate#"$lead"}")
			done < <(compgen -f -- "${cur#"$files"}")
		else
			candidate=${line%%$'\t'*}
			COMPREPLY+=("${candidate#"$lead"}")
		fi
	done < <("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null)

	# A key wants its value, a folder what is in it.
	if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=./@] ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

complete -F _pomona pomona
