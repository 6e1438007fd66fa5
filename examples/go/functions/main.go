// A function: it makes a product of each frame that is stored, and tells the others.
//
//	functions --event frame-stored.json   what it would make of one event
//	obsctl function new look --go         a folder for one of your own; 'obsctl function run' runs it
package main

import (
	obs "github.com/libobs/libobs/bindings/go"
)

func onFrame(call *obs.FunctionCall) error {
	event := call.Event() // call.Get(event.Subject) would read the frame, as an input of what is put
	key := "products/" + event.ID + ".txt"
	if err := call.Put(key, []byte("a look at "+event.Subject+"\n"), nil); err != nil {
		return err // nothing of it happens, and the event comes again
	}
	return call.Publish(obs.Event{Type: "org.example.product.made", Subject: key}, nil)
}

func main() { obs.FunctionMain(onFrame) }
