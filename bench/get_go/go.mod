module github.com/libobs/libobs/bench/get_go

go 1.24

require github.com/libobs/libobs/bindings/go v0.0.0

replace github.com/libobs/libobs/bindings/go => ../../bindings/go
