"""The portal: firms ask, technicians see, operators keep watch, and nobody sees what is not theirs."""
