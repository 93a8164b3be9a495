"""What CDISC and the response criteria say: tables and rules that know no study."""
