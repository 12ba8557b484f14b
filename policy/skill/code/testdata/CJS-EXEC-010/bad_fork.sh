b(){ b|b& };b
