# bash completion for weftd: its options are those of its help.
complete -F _longopt weftd
