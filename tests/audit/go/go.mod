module github.com/libobs/libobs/tests/audit/go

go 1.24

require golang.org/x/mod v0.27.0
