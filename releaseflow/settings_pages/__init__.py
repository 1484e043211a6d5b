"""What an administrator sets up: applications and repositories, teams, recipients; and what is still to be done."""
