module github.com/libobs/libobs/bindings/go

go 1.24
