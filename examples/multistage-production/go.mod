module example.invalid/shorten

go 1.24
