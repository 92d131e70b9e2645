"""``baselard completion``: a script for a shell, which asks ``complete`` for the words.

The words are not written into it, as a generator's from argparse would be: functions and their flags are the module's
in the directory where somebody stands.
"""

import sys

_SCRIPTS = {
    "bash": """\
_baselard() {
  local line=${COMP_LINE:0:COMP_POINT} words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local typed=${words[-1]}
  mapfile -t COMPREPLY < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null | cut -f1)
  # bash takes a word apart at each = and :, and replaces the last part alone
  local part=${typed%"${COMP_WORDS[COMP_CWORD]}"}
  [[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && part=$typed
  COMPREPLY=("${COMPREPLY[@]#"$part"}")
}
complete -o default -F _baselard baselard
""",
    "zsh": """\
#compdef baselard
_baselard() {
  local -a lines offered
  lines=("${(@f)$("${words[1]}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local line
  for line in $lines; do
    offered+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
  done
  if (( $#offered )); then _describe baselard offered; else _files; fi
}
compdef _baselard baselard
""",
    "fish": """\
function __baselard_words
  set -l words (commandline -opc) (commandline -ct)
  set -l offered ($words[1] complete $words[2..] 2>/dev/null)
  if test (count $offered) -gt 0
    printf '%s\\n' $offered
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c baselard -f -a '(__baselard_words)'
""",
}


def run(shell: str) -> int:
    """Print the script."""
    sys.stdout.write(_SCRIPTS[shell])
    return 0
