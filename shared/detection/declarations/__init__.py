"""What each rule declares of itself, for the public register of algorithms; `shared.detection.register` puts it together."""
